package doctor_test

import (
	"net"
	"strconv"
	"testing"

	"monarch/internal/config"
	"monarch/internal/doctor"
	"monarch/internal/loopback"
	"monarch/internal/msntest"
)

func TestMailServers(t *testing.T) {
	open := &msntest.MailServer{NoStartTLS: true}
	open.Start(t)
	strange := &msntest.MailServer{} // its certificate is signed by nobody the system knows
	strange.Start(t)
	host, port, err := net.SplitHostPort(loopback.Address(t))
	if err != nil {
		t.Fatal(err)
	}
	nobody, err := strconv.Atoi(port)
	if err != nil {
		t.Fatal(err)
	}
	for name, c := range map[string]struct {
		smtp  config.SMTP
		level doctor.Level
		says  string
	}{
		"none":                   {config.SMTP{}, doctor.OK, "None is set"},
		"an open one":            {config.SMTP{Host: "127.0.0.1", Port: open.Port(), TLS: config.SMTPNoTLS}, doctor.OK, "answers, without encryption"},
		"without STARTTLS":       {config.SMTP{Host: "127.0.0.1", Port: open.Port(), TLS: config.SMTPStartTLS}, doctor.Problem, "STARTTLS"},
		"one nobody vouches for": {config.SMTP{Host: "127.0.0.1", Port: strange.Port(), TLS: config.SMTPStartTLS}, doctor.Problem, "certificate"},
		"nobody there":           {config.SMTP{Host: host, Port: nobody, TLS: config.SMTPTLS}, doctor.Problem, "refused"},
		"no sign-in":             {config.SMTP{Host: "127.0.0.1", Port: open.Port(), TLS: config.SMTPNoTLS, User: "u", Password: "p"}, doctor.Problem, "lets nobody sign in"},
	} {
		t.Run(name, func(t *testing.T) {
			cfg := freePorts(t)
			cfg.SMTP = c.smtp
			examine(t, cfg, stopped).expect(t, c.level, "mail server", c.says)
		})
	}
}
