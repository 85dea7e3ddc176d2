package doctor

import (
	"bufio"
	"bytes"
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"net"
	"strings"
	"time"
)

// probe tries an address as a client does. said is what the address does, as "host:port said".
type probe func(ctx context.Context, addr string) (said string, err error)

// dial connects, with a deadline for all that follows. Where the server takes this machine for a
// proxy, it is told that this is none.
func (e *examination) dial(ctx context.Context, addr string) (net.Conn, error) {
	d := net.Dialer{Timeout: patience}
	c, err := d.DialContext(ctx, "tcp", addr)
	if err != nil {
		return nil, err
	}
	c.SetDeadline(time.Now().Add(patience))
	if hello := e.Config.Networks.Introduction(c.LocalAddr()); hello != "" && e.guarded(addr) {
		if _, err := io.WriteString(c, hello); err != nil {
			c.Close()
			return nil, err
		}
	}
	return c, nil
}

// guarded reports whether an address is that of a listener of clients, on this machine.
func (e *examination) guarded(addr string) bool {
	if !e.ours(addr) {
		return false
	}
	_, port, _ := net.SplitHostPort(addr) // it was dialled
	c := e.Config
	for _, each := range append(words(c.Switchboard.Listen), c.Dispatch.Listen, c.Notification.Listen, c.Passport.HTTPSListen, c.Passport.HTTPListen, c.WebListen()) {
		if _, p, err := net.SplitHostPort(each); err == nil && p == port {
			return true
		}
	}
	return false
}

// askConnect only connects: a switchboard says nothing to strangers.
func (e *examination) askConnect(ctx context.Context, addr string) (string, error) {
	c, err := e.dial(ctx, addr)
	if err != nil {
		return "", err
	}
	c.Close()
	return "accepts connections", nil
}

// askVersion negotiates a version of the protocol. docs/protocol/signin.md#ver
func (e *examination) askVersion(ctx context.Context, addr string) (string, error) {
	c, err := e.dial(ctx, addr)
	if err != nil {
		return "", err
	}
	defer c.Close()
	if _, err := io.WriteString(c, "VER 1 MSNP9 MSNP8 CVR0\r\n"); err != nil {
		return "", err
	}
	line, err := bufio.NewReader(io.LimitReader(c, 256)).ReadString('\n')
	if err != nil && line == "" {
		return "", fmt.Errorf("no answer to VER: %w", err)
	}
	f := strings.Fields(line)
	if len(f) < 3 || f[0] != "VER" || f[1] != "1" || !strings.HasPrefix(f[2], "MSNP") {
		return "", fmt.Errorf("answers %q to VER, like no messenger server", line)
	}
	_, _ = io.WriteString(c, "OUT\r\n") // a courtesy
	return "speaks " + f[2], nil
}

// shake does a TLS handshake and returns the connection. Whether the certificate is right is
// looked at separately.
func (e *examination) shake(ctx context.Context, addr string, cfg *tls.Config) (*tls.Conn, error) {
	c, err := e.dial(ctx, addr)
	if err != nil {
		return nil, err
	}
	cfg.InsecureSkipVerify = true
	secure := tls.Client(c, cfg)
	if err := secure.HandshakeContext(ctx); err != nil {
		c.Close()
		return nil, err
	}
	return secure, nil
}

// errOtherCertificate is what a server says that was not told of a renewal.
var errOtherCertificate = errors.New("it shows another certificate than the one in the file; run monarch reload, or see what else listens there")

// askNexus asks for the address of the login, and compares the certificate with the file's.
// docs/protocol/passport.md#nexus
func (e *examination) askNexus(ctx context.Context, addr string) (string, error) {
	c, err := e.shake(ctx, addr, &tls.Config{ServerName: "nexus.passport.com"})
	if err != nil {
		return "", err
	}
	defer c.Close()
	answer, err := fetch(c, "nexus.passport.com", "/rdr/pprdr.asp")
	if err != nil {
		return "", err
	}
	if !strings.Contains(answer, "\r\nPassportURLs: ") {
		return "", fmt.Errorf("the nexus answers %q, without PassportURLs in exactly this spelling", firstLine(answer))
	}
	if shown := c.ConnectionState().PeerCertificates[0]; e.leaf != nil && !bytes.Equal(shown.Raw, e.leaf.Raw) {
		return "", errOtherCertificate
	}
	return "answers as the nexus", nil
}

// askDocument fetches the document with tabs and addresses.
// docs/protocol/passport.md#configuration
func (e *examination) askDocument(ctx context.Context, addr string) (string, error) {
	answer, err := e.get(ctx, addr, "/Config/MsgrConfig.asmx?op=GetClientConfig&Country=US&CLCID=0409&PLCID=0409&ver=6.0.0602")
	if err != nil {
		return "", err
	}
	if !strings.Contains(answer, "<MsgrConfig") {
		return "", fmt.Errorf("answers %q, without the document clients ask for", firstLine(answer))
	}
	return "gives the documents", nil
}

// askWebsite fetches the first page.
func (e *examination) askWebsite(ctx context.Context, addr string) (string, error) {
	c, err := e.dial(ctx, addr)
	if err == nil && e.Config.Web.Secure() {
		c.Close()
		c, err = e.shake(ctx, addr, &tls.Config{ServerName: e.Config.Service.Host})
	}
	if err != nil {
		return "", err
	}
	defer c.Close()
	answer, err := fetch(c, e.Config.Service.Host, "/")
	if err != nil {
		return "", err
	}
	if status := firstLine(answer); !strings.Contains(status, " 200 ") {
		return "", fmt.Errorf("the first page answers %q", status)
	}
	return "shows the website", nil
}

// askReady asks whether clients are welcome.
func (e *examination) askReady(ctx context.Context, addr string) (string, error) {
	answer, err := e.get(ctx, addr, "/readyz")
	if err != nil {
		return "", err
	}
	switch status := firstLine(answer); {
	case strings.HasSuffix(answer, "\ndraining\n"):
		return "says that the node is draining: nobody new is sent there", nil
	case !strings.Contains(status, " 200 "):
		_, why, _ := strings.Cut(answer, "\r\n\r\n")
		return "", fmt.Errorf("/readyz answers %q, %q", status, strings.TrimSpace(why))
	}
	return "says that the server is ready", nil
}

// get asks for a path over plain HTTP and returns the whole answer.
func (e *examination) get(ctx context.Context, addr, path string) (string, error) {
	c, err := e.dial(ctx, addr)
	if err != nil {
		return "", err
	}
	defer c.Close()
	host, _, _ := net.SplitHostPort(addr) // it was dialled
	return fetch(c, host, path)
}

// fetch asks on a connection. Version 1.0 keeps the answer in one piece.
func fetch(c net.Conn, host, path string) (string, error) {
	if _, err := fmt.Fprintf(c, "GET %s HTTP/1.0\r\nHost: %s\r\n\r\n", path, host); err != nil {
		return "", err
	}
	const most = 1 << 20
	text, err := io.ReadAll(io.LimitReader(c, most))
	if len(text) == 0 && err != nil {
		return "", fmt.Errorf("no answer: %w", err)
	}
	return string(text), nil
}

func firstLine(text string) string {
	line, _, _ := strings.Cut(text, "\n")
	return strings.TrimSpace(line)
}
