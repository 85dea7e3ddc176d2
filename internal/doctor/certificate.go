package doctor

import (
	"context"
	"crypto/rsa"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"io/fs"
	"net/netip"
	"os"
	"slices"
	"strings"
	"time"

	"monarch/internal/passport"
)

const checkCertificate = "certificate"

// soon is when the end of a certificate is worth a word.
const soon = 30 * 24 * time.Hour

// oldest is what the oldest clients can count to, in seconds.
const oldest = 1<<31 - 1

// certificate looks at the certificate for sign-ins. docs/protocol/passport.md#certificates
func (e *examination) certificate(context.Context) {
	cert, key := e.Config.Passport.Cert, e.Config.Passport.Key
	fix := "Set passport.cert and passport.key to a certificate with an RSA key, and to that key; both empty for one of our own."
	made := cert == ""
	if made {
		cert, key = passport.ServerFiles(e.Config.Data.Dir)
		fix = "Make it anew: " + e.Command("cert --renew") + ", then " + e.Command("reload") + "."
		if _, err := os.Stat(cert); errors.Is(err, fs.ErrNotExist) && !e.Running {
			e.skip(checkCertificate, "There is none yet; the first start makes it.")
			return
		}
	}
	pair, err := tls.LoadX509KeyPair(cert, key)
	if err != nil {
		e.complain(Problem, checkCertificate, fmt.Sprintf("It cannot be used: %v.", err), fix)
		return
	}
	e.private("certificate's key", key)
	e.leaf = pair.Leaf
	before := len(e.findings)
	e.validity(fix)
	e.strength(fix)
	e.coverage(made)
	if len(e.findings) == before {
		e.ok(checkCertificate, "%s: the key fits, every name of old and %s is in it, signed with %s, good until %s.",
			cert, e.Config.Service.Host, e.leaf.SignatureAlgorithm, e.leaf.NotAfter.Format("2 January 2006"))
	}
}

// validity looks at the dates.
func (e *examination) validity(fix string) {
	now := time.Now()
	switch from, to := e.leaf.NotBefore, e.leaf.NotAfter; {
	case now.After(to):
		e.complain(Problem, checkCertificate, "It has expired, on "+to.Format("2 January 2006")+".", fix)
	case now.Before(from):
		e.complain(Problem, checkCertificate, "It is not valid before "+from.Format("2 January 2006")+".", "See that the clock is right. If it is: "+fix)
	case now.Add(soon).After(to):
		e.complain(Warning, checkCertificate, "It expires soon, on "+to.Format("2 January 2006")+".", fix)
	case to.Unix() > oldest:
		e.complain(Warning, checkCertificate, "It is valid beyond January 2038, which the oldest clients cannot count to.", fix)
	}
}

// strength looks at key and signature: whether the clients of the time know them.
func (e *examination) strength(fix string) {
	key, isRSA := e.leaf.PublicKey.(*rsa.PublicKey)
	switch {
	case !isRSA:
		e.complain(Problem, checkCertificate, fmt.Sprintf("Its key is %s; clients of the time know RSA only.", e.leaf.PublicKeyAlgorithm), fix)
	case key.N.BitLen() < 2048:
		e.complain(Warning, checkCertificate, fmt.Sprintf("Its RSA key has %d bits; systems of today want 2048.", key.N.BitLen()), fix)
	}
	switch a := e.leaf.SignatureAlgorithm; a {
	case x509.SHA256WithRSA: // from Windows XP SP3
	case x509.SHA1WithRSA:
		e.complain(Warning, checkCertificate, "It is signed with SHA-1, which Windows before XP SP3 needs and systems of today refuse.",
			"Leave it so for clients that old; otherwise sign with SHA-256: "+e.Command("cert --renew"))
	default:
		e.complain(Warning, checkCertificate, fmt.Sprintf("It is signed with %s; clients of the time know SHA256-RSA (from XP SP3) and SHA1-RSA.", a), fix)
	}
}

// coverage looks at the names.
func (e *examination) coverage(made bool) {
	get := "Get a certificate with these names too. No public authority gives one for names of Microsoft's: " +
		"for clients that are not patched, leave passport.cert and passport.key empty."
	if made {
		get = "Restart the server: the start issues it anew, with these names."
	}
	login, _, _ := strings.Cut(e.Config.Passport.LoginURL, "/")
	if e.leaf.VerifyHostname(login) != nil {
		e.complain(Problem, checkCertificate, "It does not cover "+login+", where clients are told to send passwords (passport.login_url).", get)
	}
	var missing []string
	for _, name := range append(namesOfOld(), e.Config.Hosts()...) {
		if name != login && e.leaf.VerifyHostname(name) != nil && !slices.Contains(missing, name) {
			missing = append(missing, name)
		}
	}
	if len(missing) > 0 {
		e.complain(Warning, checkCertificate, "It does not cover "+strings.Join(missing, ", ")+": clients that check refuse these.", get)
	}
}

// namesOfOld returns the legacy names without those of any machine itself.
func namesOfOld() []string {
	return slices.DeleteFunc(passport.LegacyNames(), func(name string) bool {
		_, err := netip.ParseAddr(name)
		return err == nil || name == "localhost"
	})
}

// handshakes tries what clients of the time can do. docs/protocol/passport.md#tls
func (e *examination) handshakes(ctx context.Context) {
	const check = "TLS 1.0"
	if !e.Running {
		e.skip(check, notRunning)
		return
	}
	at := local(e.Config.Passport.HTTPSListen)
	if _, err := e.askConnect(ctx, at); err != nil {
		e.skip(check, "Not looked at, because %s does not answer.", at)
		return
	}
	var done, refused []string
	for _, s := range []struct {
		name string
		id   uint16
	}{
		{"3DES", tls.TLS_RSA_WITH_3DES_EDE_CBC_SHA},
		{"RC4", tls.TLS_RSA_WITH_RC4_128_SHA},
		{"AES", tls.TLS_RSA_WITH_AES_128_CBC_SHA},
	} {
		c, err := e.shake(ctx, at, &tls.Config{
			MinVersion: tls.VersionTLS10, MaxVersion: tls.VersionTLS10,
			CipherSuites: []uint16{s.id},
		})
		if err != nil {
			refused = append(refused, s.name)
			continue
		}
		c.Close()
		done = append(done, s.name)
	}
	reload := "Run " + e.Command("reload") + ": passport.legacy_tls changed since it started. If that does not help, see what else listens there."
	switch legacy := e.Config.Passport.LegacyTLS; {
	case legacy && len(refused) > 0:
		e.complain(Problem, check, "Refused with RSA and "+strings.Join(refused, ", ")+": clients on Windows 98 to Vista cannot sign in.", reload)
	case legacy:
		e.ok(check, "Accepted with RSA and %s, as clients on Windows 98 to Vista need it.", strings.Join(done, ", "))
	case len(done) > 0:
		e.complain(Problem, check, "Accepted with RSA and "+strings.Join(done, ", ")+", though passport.legacy_tls is off.", reload)
	default:
		e.ok(check, "Refused, as passport.legacy_tls is off: clients on Windows 98 to Vista cannot sign in.")
	}
}
