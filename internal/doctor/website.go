package doctor

import (
	"bytes"
	"context"
	"crypto/tls"
	"crypto/x509"
	"fmt"
	"net"
	"net/http"
	"net/netip"
	"os"
	"strings"
	"time"

	"monarch/internal/config"
)

const checkWebsite = "website's certificate"

// website looks at what protects passwords on their way to the website.
func (e *examination) website(ctx context.Context) {
	w := e.Config.Web
	switch host := e.Config.WebHost(); {
	case e.Config.WebListen() == "" || !e.Config.Cluster.Has(config.RoleWeb):
	case w.ACME == config.ACMEOn:
		e.authority(ctx, host)
	case w.Cert != "":
		e.siteFiles(host)
	case strings.HasPrefix(w.URL, "https://"):
		e.ok(checkWebsite, "What is in front of the website has it, as web.url says.")
	case anyOf(e.lookUp(ctx, host), netip.Addr.IsLoopback):
		e.ok(checkWebsite, "None is needed: the website is for this machine only.")
	default:
		e.complain(Warning, checkWebsite, "There is none: passwords travel to the website for everybody to read.",
			`Set web.acme to "on", or web.cert and web.key, or put a proxy in front that has one and set web.url to its https:// address.`)
	}
}

// siteFiles looks at a certificate of one's own.
func (e *examination) siteFiles(host string) {
	const fix = "Set web.cert and web.key to a certificate for this name, with its chain, and to the key of it."
	pair, err := tls.LoadX509KeyPair(e.Config.Web.Cert, e.Config.Web.Key)
	if err != nil {
		e.complain(Problem, checkWebsite, fmt.Sprintf("It cannot be used: %v.", err), fix)
		return
	}
	e.private(checkWebsite, e.Config.Web.Key)
	if err := pair.Leaf.VerifyHostname(host); err != nil {
		e.complain(Warning, checkWebsite, "It does not cover "+host+", where people find the website.", fix)
		return
	}
	e.life(pair.Leaf, soon, "Renew it, then "+e.Command("reload")+".")
}

// life looks at the dates of a certificate that is in use.
func (e *examination) life(leaf *x509.Certificate, short time.Duration, fix string) {
	switch now, end := time.Now(), leaf.NotAfter.Format("2 January 2006"); {
	case now.After(leaf.NotAfter):
		e.complain(Problem, checkWebsite, "It has expired, on "+end+".", fix)
	case now.Before(leaf.NotBefore):
		e.complain(Problem, checkWebsite, "It is not valid before "+leaf.NotBefore.Format("2 January 2006")+".", "See that the clock is right. If it is: "+fix)
	case leaf.NotAfter.Sub(now) < short:
		e.complain(Warning, checkWebsite, "It expires soon, on "+end+".", fix)
	default:
		e.ok(checkWebsite, "For %s, from %s, good until %s.", e.Config.WebHost(), leaf.Issuer.CommonName, end)
	}
}

// authority looks at a certificate over ACME, and, where there is none, at what its authority needs.
func (e *examination) authority(ctx context.Context, host string) {
	addrs := e.lookUp(ctx, host)
	switch {
	case len(addrs) == 0:
		e.complain(Problem, checkWebsite, host+" has no address here: an authority does not find it either.", "Have the name lead to this machine, or correct web.url.")
		return
	case anyOf(addrs, netip.Addr.IsLoopback) && e.Config.Web.ACMEDirectory == config.LetsEncrypt:
		e.complain(Warning, checkWebsite, host+" is this machine itself, as seen from here; whether an authority finds it cannot be told.", "See that the name has an outer address elsewhere.")
	}
	if !e.Running {
		e.ok(checkWebsite, "The server gets one for %s, once it runs.", host)
		return
	}
	c, err := e.shake(ctx, local(e.Config.WebListen()), &tls.Config{ServerName: host, MinVersion: tls.VersionTLS12})
	if err != nil {
		e.complain(Problem, checkWebsite, fmt.Sprintf("The website shows none: %v.", err), "See the server's log.")
		return
	}
	defer c.Close()
	leaf := c.ConnectionState().PeerCertificates[0]
	if e.leaf == nil || !bytes.Equal(leaf.Raw, e.leaf.Raw) {
		// The server renews in time; whatever is left of it later is worth a look.
		e.life(leaf, leaf.NotAfter.Sub(leaf.NotBefore)/5, "See the server's log, which says why it was not renewed, then "+e.Command("reload")+".")
		return
	}
	e.uncertified(ctx, host)
}

// uncertified looks for why there is no certificate from the authority.
func (e *examination) uncertified(ctx context.Context, host string) {
	retry := " When that is right: " + e.Command("reload") + "."
	if err := e.reach(ctx); err != nil {
		e.complain(Problem, checkWebsite, fmt.Sprintf("There is none yet, and the authority cannot be reached: %v.", err),
			"See about web.acme_directory, web.acme_ca, and the way out of this machine."+retry)
		return
	}
	if _, err := e.askDocument(ctx, net.JoinHostPort(host, "80")); err == nil {
		e.complain(Warning, checkWebsite, "There is none yet. The authority can be reached, and port 80 leads here as seen from this machine.",
			"See the server's log, which has the authority's words."+retry)
		return
	}
	level := Problem
	found := "There is none yet. The authority looks at port 80 of " + host + ", which does not lead to passport.http_listen"
	if c, err := e.shake(ctx, net.JoinHostPort(host, "443"), &tls.Config{ServerName: host}); err == nil {
		c.Close()
		level, found = Warning, found+", or at port 443, where somebody answers"
	}
	e.complain(level, checkWebsite, found+", as seen from this machine.",
		"Lead port 80 of the name to passport.http_listen, or its port 443 to web.listen or passport.https_listen; a router may not show it from inside."+retry)
}

// reach asks the authority for its directory.
func (e *examination) reach(ctx context.Context) error {
	settings := &tls.Config{MinVersion: tls.VersionTLS12}
	if file := e.Config.Web.ACMECA; file != "" {
		text, err := os.ReadFile(file)
		if err != nil {
			return err
		}
		settings.RootCAs = x509.NewCertPool()
		settings.RootCAs.AppendCertsFromPEM(text)
	}
	transport := &http.Transport{Proxy: http.ProxyFromEnvironment, TLSClientConfig: settings}
	defer transport.CloseIdleConnections()
	q, err := http.NewRequestWithContext(ctx, http.MethodGet, e.Config.Web.ACMEDirectory, nil)
	if err != nil {
		return err
	}
	res, err := (&http.Client{Transport: transport, Timeout: 3 * patience}).Do(q)
	if err != nil {
		return err
	}
	defer res.Body.Close()
	if res.StatusCode != http.StatusOK {
		return fmt.Errorf("it answers %s", res.Status)
	}
	return nil
}
