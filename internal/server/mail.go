package server

import (
	"context"
	"fmt"

	"monarch/internal/im"
	"monarch/internal/mail"
	"monarch/internal/ns"
)

// post is what the service does with mail.
type post struct {
	sender *mail.Sender // nil: no mail server is configured
	stop   context.CancelFunc
}

// buildPost makes the sender of invitations, if there is a mail server for them.
func (s *Server) buildPost() error {
	smtp := s.cfg.SMTP
	if smtp.Host == "" {
		return nil
	}
	password, err := smtp.Secret()
	if err != nil {
		return err
	}
	sender, err := mail.New(mail.Config{
		Host: smtp.Host, Port: smtp.Port, Security: mail.Security(smtp.TLS),
		From: smtp.From, User: smtp.User, Password: password,
		Service: s.cfg.Service.Name, Join: s.joinPage(),
		Server: s.told(s.cfg.Dispatch, "dispatch"),
	}, s.clock, s.log)
	if err != nil {
		return fmt.Errorf("smtp: %w", err)
	}
	s.post.sender = sender
	return nil
}

// joinPage returns the address of the page that tells how to get an account.
func (s *Server) joinPage() string {
	if site := s.site(); site != "" {
		return site + "/join"
	}
	return s.cfg.PagesURL() + "/register"
}

// mail is what the notification server needs for mail.
func (s *Server) mail() ns.Mail {
	if s.post.sender == nil {
		return ns.Mail{}
	}
	return ns.Mail{Invite: func(inv im.Invitation) { s.post.sender.Invite(inv) }}
}

// startPost begins to send what is written, until stopPost; s.serving waits for its end.
func (s *Server) startPost() {
	ctx, stop := context.WithCancel(context.Background())
	s.post.stop = stop
	if s.post.sender != nil {
		s.serving.Go(func() { s.post.sender.Run(ctx) })
	}
}
