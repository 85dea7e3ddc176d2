package acme

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"slices"
	"strings"

	"golang.org/x/crypto/acme"

	"monarch/internal/store"
)

// maxToken is how long a token may be; those of all authorities are shorter.
const maxToken = 128

// prepare has every node know the answer to a question, until forget.
func (k *Keeper) prepare(ctx context.Context, c *acme.Client, host string, question *acme.Challenge) (forget func(), err error) {
	answer, err := c.HTTP01ChallengeResponse(question.Token)
	if err != nil {
		return nil, fmt.Errorf("work out the answer: %w", err)
	}
	handshake, err := c.TLSALPN01ChallengeCert(question.Token, host)
	if err != nil {
		return nil, fmt.Errorf("make the answer's certificate: %w", err)
	}
	now := k.cfg.Clock.Now()
	err = k.cfg.Store.AddChallenge(ctx, store.Challenge{
		Token: question.Token, Host: host, Answer: answer, Expires: now.Add(attempt).Unix(),
	}, now)
	if err != nil {
		return nil, err
	}
	k.mu.Lock()
	k.asked[question.Token], k.present = answer, &handshake
	k.mu.Unlock()
	return func() {
		k.mu.Lock()
		delete(k.asked, question.Token)
		k.present = nil
		k.mu.Unlock()
		if err := k.cfg.Store.DeleteChallenge(context.WithoutCancel(ctx), question.Token); err != nil {
			k.cfg.Log.Warn("a challenge that is over could not be deleted", "err", err)
		}
	}, nil
}

// Answer returns what an authority, or whoever asks, is to read for a token. It reports
// false for what no authority asks for at present.
func (k *Keeper) Answer(ctx context.Context, token string) (string, bool) {
	if token == "" || len(token) > maxToken || strings.ContainsFunc(token, outside) {
		return "", false
	}
	k.mu.Lock()
	answer, ok := k.asked[token]
	k.mu.Unlock()
	if ok || k.cfg.Alone || !k.lookups.Allow() {
		return answer, ok
	}
	c, err := k.cfg.Store.Challenge(ctx, token, k.cfg.Clock.Now())
	if err != nil {
		k.troubled(err)
		return "", false
	}
	return c.Answer, true
}

// outside reports whether a character is in no token.
func outside(r rune) bool {
	return (r < 'a' || r > 'z') && (r < 'A' || r > 'Z') && (r < '0' || r > '9') && r != '-' && r != '_'
}

// Handshake returns the settings for a handshake by which an authority looks whose the name is. It
// returns nil for every other one.
func (k *Keeper) Handshake(hello *tls.ClientHelloInfo) *tls.Config {
	s := k.settings.Load()
	if !slices.Equal(hello.SupportedProtos, []string{acme.ALPNProto}) || !strings.EqualFold(hello.ServerName, s.Host) {
		return nil
	}
	k.mu.Lock()
	cert := k.present
	k.mu.Unlock()
	if cert == nil && !k.cfg.Alone && k.lookups.Allow() {
		cert = k.ofAnother(hello.Context(), s)
	}
	if cert == nil {
		return nil
	}
	return &tls.Config{Certificates: []tls.Certificate{*cert}, NextProtos: []string{acme.ALPNProto}, MinVersion: tls.VersionTLS12}
}

// ofAnother makes the certificate with which a question to another node is answered.
func (k *Keeper) ofAnother(ctx context.Context, s *Settings) *tls.Certificate {
	question, err := k.cfg.Store.ChallengeFor(ctx, s.Host, k.cfg.Clock.Now())
	if err != nil {
		k.troubled(err)
		return nil
	}
	c, err := k.client(ctx, s)
	if err != nil {
		k.troubled(err)
		return nil
	}
	cert, err := c.TLSALPN01ChallengeCert(question.Token, s.Host)
	if err != nil {
		k.troubled(err)
		return nil
	}
	return &cert
}

func (k *Keeper) troubled(err error) {
	if !errors.Is(err, store.ErrNoChallenge) {
		k.cfg.Log.Warn("an authority's question could not be answered", "err", err)
	}
}
