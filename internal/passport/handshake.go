package passport

import (
	"context"
	"crypto"
	"crypto/tls"
	"fmt"
	"io"
	"net/netip"
	"runtime"
	"time"

	"monarch/internal/turns"
)

// What a handshake costs is the one use of the certificate's key. That takes turns, with the
// addresses served one after the other; waiting for the peer takes none, so whoever is slow
// keeps nobody from his.

// handshakeQueue is how many uses of the key may wait.
const handshakeQueue = 4096

// handshakeTurns bounds the uses of the key: as many as there are processors, and none waits
// for longer than a handshake may take.
func handshakeTurns(longest time.Duration) turns.Limits {
	return turns.Limits{Parallel: runtime.GOMAXPROCS(0), Queue: handshakeQueue, Wait: longest}
}

// Handshakes returns the queue in which TLS handshakes wait.
func (s *Server) Handshakes() *turns.Queue { return s.handshakes }

// inTurn returns settings with which handshakes are those of cfg, one after the other; nil if
// there are none.
func (s *Server) inTurn(cfg *tls.Config) *tls.Config {
	if cfg == nil {
		return nil
	}
	outer := cfg.Clone()
	outer.GetConfigForClient = func(hello *tls.ClientHelloInfo) (*tls.Config, error) {
		now := cfg
		if cfg.GetConfigForClient != nil {
			var err error
			if now, err = cfg.GetConfigForClient(hello); err != nil {
				return nil, err
			}
		}
		return patient(now, turn{queue: s.handshakes, ctx: hello.Context(), from: address(hello.Conn)}), nil
	}
	return outer
}

// patient returns settings that take a turn for each use of a certificate's key.
func patient(cfg *tls.Config, t turn) *tls.Config {
	cfg = cfg.Clone()
	certs := make([]tls.Certificate, len(cfg.Certificates))
	for i, cert := range cfg.Certificates {
		switch key := cert.PrivateKey.(type) {
		case secretKey:
			cert.PrivateKey = turnedSecret{turnedKey{key, t}, key}
		case crypto.Signer:
			cert.PrivateKey = turnedKey{key, t}
		}
		certs[i] = cert
	}
	cfg.Certificates = certs
	return cfg
}

// turn is what one handshake needs to wait for its own.
type turn struct {
	queue *turns.Queue
	ctx   context.Context // of the handshake; a field because crypto.Signer has no place for it
	from  netip.Addr
}

// take calls fn when the turn has come.
func (t turn) take(fn func() ([]byte, error)) ([]byte, error) {
	if err := t.queue.Take(t.ctx, t.from); err != nil {
		return nil, fmt.Errorf("wait for a handshake: %w", err)
	}
	defer t.queue.Done()
	return fn()
}

// turnedKey is a key that signs when its turn has come.
type turnedKey struct {
	crypto.Signer
	turn turn
}

// Sign implements crypto.Signer.
func (k turnedKey) Sign(rand io.Reader, digest []byte, opts crypto.SignerOpts) ([]byte, error) {
	return k.turn.take(func() ([]byte, error) { return k.Signer.Sign(rand, digest, opts) })
}

// secretKey is a key that old clients encrypt for, too: one of RSA.
type secretKey interface {
	crypto.Signer
	crypto.Decrypter
}

// turnedSecret is such a key that takes turns.
type turnedSecret struct {
	turnedKey
	secret crypto.Decrypter
}

// Decrypt implements crypto.Decrypter.
func (k turnedSecret) Decrypt(rand io.Reader, msg []byte, opts crypto.DecrypterOpts) ([]byte, error) {
	return k.turn.take(func() ([]byte, error) { return k.secret.Decrypt(rand, msg, opts) })
}
