// Command signin signs somebody in as a client does, and tells whom he has on his list. With it
// packages are tested: whether the service that one installed serves, and keeps what it was told.
//
//	signin CA EMAIL [CONTACT]    # the certificate authority's file; whom to add to the list
package main

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"os"
	"time"

	"monarch/msnclient"
)

// patience is for all of it.
const patience = time.Minute

func main() {
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	if err := signIn(ctx, os.Args[1:]); err != nil {
		fmt.Fprintf(os.Stderr, "signin: %v\n", err)
		cancel()
		os.Exit(1)
	}
}

// signIn uses the ports that clients insist on. The password is "secret".
func signIn(ctx context.Context, args []string) error {
	if len(args) < 2 {
		return errors.New("usage: signin CA EMAIL [CONTACT]")
	}
	ca, err := os.ReadFile(args[0])
	if err != nil {
		return err
	}
	trusted := x509.NewCertPool()
	if !trusted.AppendCertsFromPEM(ca) {
		return fmt.Errorf("%s holds no certificate", args[0])
	}
	c, err := msnclient.Dial(ctx, msnclient.Config{
		Handle: args[1], Password: "secret", Server: "127.0.0.1:1863", Login: "https://127.0.0.1/login2.srf",
		TLS: &tls.Config{RootCAs: trusted},
	})
	if err != nil {
		return err
	}
	defer c.Close()
	go func() {
		for range c.Events() { // at which nobody looks
		}
	}()
	for _, who := range args[2:] {
		if err := c.Add(ctx, who, who, 0); err != nil {
			return err
		}
	}
	for _, contact := range c.Roster().Contacts {
		fmt.Fprintln(os.Stdout, contact.Handle)
	}
	return nil
}
