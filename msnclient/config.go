package msnclient

import (
	"cmp"
	"context"
	"crypto/tls"
	"errors"
	"log/slog"
	"net"
	"strings"

	"monarch/msnp"
)

// Where the service was, and how the client introduces itself.
const (
	defaultServer  = "messenger.hotmail.com"
	defaultPort    = "1863"
	defaultNexus   = "https://nexus.passport.com/rdr/pprdr.asp"
	defaultLogin   = "https://login.passport.com/login2.srf"
	defaultProduct = "msmsgs@msnmsgr.com"
	defaultFlags   = 0x10000000 // MSNC1
	defaultBuffer  = 256
)

// Config says who signs in, where and how. Handle and Password are needed; every other field
// has a useful zero value.
type Config struct {
	Handle   string
	Password string

	Server  string       // dispatch server, host or host:port; "": messenger.hotmail.com:1863
	Version msnp.Version // highest to offer; 0: MSNP9
	Nexus   string       // https URL; "": https://nexus.passport.com/rdr/pprdr.asp
	Login   string       // https URL of the login; set: the nexus is not asked
	TLS     *tls.Config  // of nexus and login; nil: the system's roots, TLS 1.2 or later

	// Dialer makes every connection; nil: a net.Dialer. Its address is host:port, so that it
	// can lead names elsewhere.
	Dialer func(ctx context.Context, network, addr string) (net.Conn, error)

	Status  msnp.Status // to begin with; "": Online
	Picture *Picture    // display picture, or nil
	Product string      // client id to answer challenges with, one of msnp.Products; "": msmsgs@msnmsgr.com
	Flags   uint64      // client id of CHG; 0: that of MSN Messenger 6.0
	Cached  *Roster     // of an earlier sign-in: saves sending it again if nothing changed
	Buffer  int         // events held for a slow reader before the client stops reading; 0: 256

	// Reconnect makes the client come back after a lost connection, with pauses that grow from
	// a second to five minutes. It never does after [ErrElsewhere], since two clients would
	// drive each other out, nor after [ErrPassword].
	Reconnect bool

	Log *slog.Logger // nil: nothing is logged. Never text of messages, passwords or tickets
}

// complete fills in what was left out and refuses what cannot work.
func (cfg Config) complete() (Config, error) {
	cfg.Handle = strings.ToLower(strings.TrimSpace(cfg.Handle))
	if err := checkHandle(cfg.Handle); err != nil {
		return cfg, err
	}
	cfg.Server = withPort(cmp.Or(cfg.Server, defaultServer), defaultPort)
	cfg.Version = cmp.Or(cfg.Version, msnp.MSNP9)
	if len(offer(cfg.Version)) == 0 {
		return cfg, ErrVersion
	}
	cfg.Status = cmp.Or(cfg.Status, msnp.Online)
	if err := checkStatus(cfg.Status); err != nil {
		return cfg, err
	}
	cfg.Product = cmp.Or(cfg.Product, defaultProduct)
	if _, ok := msnp.ProductByID(cfg.Product); !ok {
		return cfg, errors.New("the key of product " + cfg.Product + " is not known")
	}
	cfg.Flags = cmp.Or(cfg.Flags, defaultFlags)
	cfg.Buffer = cmp.Or(cfg.Buffer, defaultBuffer)
	if cfg.Buffer < 0 {
		return cfg, errors.New("negative buffer")
	}
	if cfg.Dialer == nil {
		cfg.Dialer = new(net.Dialer).DialContext
	}
	if cfg.Log == nil {
		cfg.Log = slog.New(slog.DiscardHandler)
	}
	return cfg, nil
}

// withPort completes an address without a port.
func withPort(addr, port string) string {
	if _, _, err := net.SplitHostPort(addr); err == nil {
		return addr
	}
	return net.JoinHostPort(strings.Trim(addr, "[]"), port)
}

// checkStatus refuses what nobody can be who is signed in.
func checkStatus(s msnp.Status) error {
	if _, ok := msnp.ParseStatus([]byte(s)); !ok || s == msnp.Offline {
		return coded(errors.New("not a status to have"), msnp.CodeInvalidParameter)
	}
	return nil
}

// checkHandle refuses what cannot stand in a line.
func checkHandle(handle string) error {
	at := strings.IndexByte(handle, '@')
	if at < 1 || at == len(handle)-1 || len(handle) > maxHandle {
		return coded(errors.New("not a handle"), msnp.CodeInvalidHandle)
	}
	for i := range len(handle) {
		if c := handle[i]; c <= ' ' || c >= 0x7F {
			return coded(errors.New("not a handle"), msnp.CodeInvalidHandle)
		}
	}
	return nil
}

// maxHandle is the length of the longest handle. docs/protocol/limits.md#sizes
const maxHandle = 129
