// Package doctor examines a service as its clients and its operator meet it, and says of each
// thing whether it is well and what to do if it is not. It repairs nothing, and leaves to cli
// how a finding looks and who answers for the service.
package doctor

import (
	"context"
	"crypto/x509"
	"fmt"
	"net"
	"net/netip"
	"time"

	"monarch/internal/config"
)

// Level is how well a thing is.
type Level string

// The levels, from good to bad.
const (
	OK      Level = "ok"
	Skipped Level = "skipped" // could not be looked at, for the reason given
	Warning Level = "warning" // works, but not for everybody or not for long
	Problem Level = "problem" // does not work
)

// Finding is what the examination of one thing found.
type Finding struct {
	Level Level  `json:"level"`
	Check string `json:"check"`        // what was looked at, in a few words
	Found string `json:"found"`        // a sentence
	Do    string `json:"do,omitempty"` // what to do about it; "" for nothing. A line that begins with a blank is a command
}

// Patient is the service to examine.
type Patient struct {
	Config   config.Config
	Running  bool                     // whether a server answers on the data directory
	Nodes    []Node                   // what that knows of all nodes; of no use where there is one
	Resolver *net.Resolver            // how this machine looks names up
	Command  func(rest string) string // writes a command of this program for the same service
}

// patience is how long each connection and each look-up may take.
const patience = 3 * time.Second

// Examine looks at everything, in an order in which a cause comes before its consequences.
// It takes some seconds when names or addresses do not answer.
func Examine(ctx context.Context, p Patient) []Finding {
	e := &examination{Patient: p}
	for _, look := range []func(context.Context){
		e.settings, e.directory, e.database, e.disk, e.certificate, e.host,
		e.listeners, e.wellKnownPorts, e.handshakes, e.website, e.names, e.mail, e.clock, e.cluster, e.files,
	} {
		look(ctx)
	}
	return e.findings
}

// Look examines what one setting decides, by its name, before a server runs with it. Of most
// settings there is nothing to say.
func Look(ctx context.Context, p Patient, key string) []Finding {
	e := &examination{Patient: p}
	switch key {
	case "service.host":
		e.host(ctx)
	case "passport.cert":
		e.certificate(ctx)
	case "web.url":
		e.website(ctx)
	case "smtp.host":
		e.mail(ctx)
	}
	for _, l := range e.all() {
		if l.key == key {
			e.bind(l)
		}
	}
	return e.findings
}

// examination is one in progress: what was found, and what later checks need of it.
type examination struct {
	Patient
	findings []Finding

	leaf  *x509.Certificate // what the certificate's file holds; nil if that cannot be used
	users int               // accounts in the database
	last  time.Time         // when the youngest was made; zero if unknown
	hosts []netip.Addr      // the addresses of service.host
}

func (e *examination) ok(check, format string, args ...any) {
	e.findings = append(e.findings, Finding{Level: OK, Check: check, Found: fmt.Sprintf(format, args...)})
}

func (e *examination) skip(check, format string, args ...any) {
	e.findings = append(e.findings, Finding{Level: Skipped, Check: check, Found: fmt.Sprintf(format, args...)})
}

// complain adds a finding that calls for something to be done.
func (e *examination) complain(level Level, check, found, do string) {
	e.findings = append(e.findings, Finding{Level: level, Check: check, Found: found, Do: do})
}

// notRunning is why what only a server can show was not looked at.
const notRunning = "Not looked at, because the server does not run."
