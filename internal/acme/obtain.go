package acme

import (
	"bytes"
	"cmp"
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"encoding/pem"
	"errors"
	"fmt"
	"net/http"
	"time"

	"golang.org/x/crypto/acme"
)

// obtain has the authority certify the name, and returns chain and key as PEM.
func (k *Keeper) obtain(ctx context.Context, s *Settings, way Way) (chain, key string, err error) {
	c, err := k.client(ctx, s)
	if err != nil {
		return "", "", err
	}
	if err := register(ctx, c, s.Email); err != nil {
		return "", "", err
	}
	order, err := c.AuthorizeOrder(ctx, acme.DomainIDs(s.Host))
	if err != nil {
		return "", "", fmt.Errorf("order a certificate: %w", err)
	}
	for _, address := range order.AuthzURLs {
		if err := k.prove(ctx, c, address, way); err != nil {
			return "", "", fmt.Errorf("show that the name is ours, by %s: %w", way, err)
		}
	}
	if _, err := c.WaitOrder(ctx, order.URI); err != nil {
		return "", "", fmt.Errorf("wait for the authority: %w", err)
	}
	return finish(ctx, c, order, s.Host)
}

// finish fetches the certificate of an order that is ready.
func finish(ctx context.Context, c *acme.Client, order *acme.Order, host string) (chain, key string, err error) {
	private, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return "", "", fmt.Errorf("make a key: %w", err)
	}
	request, err := x509.CreateCertificateRequest(rand.Reader, &x509.CertificateRequest{DNSNames: []string{host}}, private)
	if err != nil {
		return "", "", fmt.Errorf("write the request: %w", err)
	}
	ders, _, err := c.CreateCertFromOrder(ctx, order, request, true)
	if err != nil {
		return "", "", fmt.Errorf("fetch the certificate: %w", err)
	}
	leaf, err := x509.ParseCertificate(ders[0])
	if err != nil {
		return "", "", fmt.Errorf("read the certificate: %w", err)
	}
	if err := leaf.VerifyHostname(host); err != nil || !private.PublicKey.Equal(leaf.PublicKey) {
		return "", "", errors.New("the authority has certified something else than it was asked to")
	}
	der, err := x509.MarshalPKCS8PrivateKey(private)
	if err != nil {
		return "", "", fmt.Errorf("encode the key: %w", err)
	}
	var all bytes.Buffer
	for _, each := range ders {
		if err := pem.Encode(&all, &pem.Block{Type: "CERTIFICATE", Bytes: each}); err != nil {
			return "", "", fmt.Errorf("encode the certificate: %w", err)
		}
	}
	return all.String(), string(pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: der})), nil
}

// prove answers one of the authority's questions, unless it has the answer from an earlier time.
func (k *Keeper) prove(ctx context.Context, c *acme.Client, address string, way Way) error {
	z, err := c.GetAuthorization(ctx, address)
	if err != nil || z.Status == acme.StatusValid {
		return err
	}
	chosen, err := choose(z.Challenges, way)
	if err != nil {
		return err
	}
	forget, err := k.prepare(ctx, c, z.Identifier.Value, chosen)
	if err != nil {
		return err
	}
	defer forget()
	if _, err := c.Accept(ctx, chosen); err != nil {
		return fmt.Errorf("ask it to look: %w", err)
	}
	_, err = c.WaitAuthorization(ctx, address)
	return err
}

// choose returns the question that a way is for.
func choose(offered []*acme.Challenge, way Way) (*acme.Challenge, error) {
	for _, each := range offered {
		if each.Type == string(way) {
			return each, nil
		}
	}
	return nil, errors.New("the authority does not offer that")
}

// accountKey returns the key that is the account of all nodes, and makes it the first time.
func (k *Keeper) accountKey(ctx context.Context, s *Settings) (*ecdsa.PrivateKey, error) {
	made, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return nil, fmt.Errorf("make a key: %w", err)
	}
	der, err := x509.MarshalPKCS8PrivateKey(made)
	if err != nil {
		return nil, fmt.Errorf("encode a key: %w", err)
	}
	kept, err := k.cfg.Store.AccountKey(ctx, s.Directory, der)
	if err != nil {
		return nil, err
	}
	read, err := x509.ParsePKCS8PrivateKey(kept)
	key, ok := read.(*ecdsa.PrivateKey)
	if err != nil || !ok {
		return nil, errors.New("the key of the account at the authority cannot be read") // the error of x509 might tell of it
	}
	return key, nil
}

// client speaks with the authority as an account.
func (k *Keeper) client(ctx context.Context, s *Settings) (*acme.Client, error) {
	key, err := k.accountKey(ctx, s)
	if err != nil {
		return nil, err
	}
	transport := &http.Transport{
		Proxy:               http.ProxyFromEnvironment,
		TLSClientConfig:     &tls.Config{RootCAs: s.Roots, MinVersion: tls.VersionTLS12},
		TLSHandshakeTimeout: 30 * time.Second, ResponseHeaderTimeout: time.Minute,
		IdleConnTimeout: 10 * time.Second, // which is its end: a client is made for each attempt
	}
	return &acme.Client{
		Key: key, DirectoryURL: s.Directory, HTTPClient: &http.Client{Transport: transport, Timeout: 2 * time.Minute}, UserAgent: cmp.Or(k.cfg.Client, "monarch"),
		RetryBackoff: backOff,
	}, nil
}

// backOff gives up soon: the whole attempt is made again.
func backOff(n int, _ *http.Request, res *http.Response) time.Duration {
	if n > 5 {
		return 0
	}
	if res != nil && res.StatusCode == http.StatusTooManyRequests {
		return 0 // the error says how long to wait
	}
	return time.Duration(n) * 500 * time.Millisecond
}

// register makes the account known to the authority, which may know it.
func register(ctx context.Context, c *acme.Client, email string) error {
	account := new(acme.Account)
	if email != "" {
		account.Contact = []string{"mailto:" + email}
	}
	_, err := c.Register(ctx, account, acme.AcceptTOS)
	if err == nil || errors.Is(err, acme.ErrAccountAlreadyExists) {
		return nil
	}
	return fmt.Errorf("register with the authority: %w", err)
}
