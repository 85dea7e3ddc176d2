package msntest

import (
	"errors"
	"fmt"
	"path/filepath"
	"strings"
	"time"

	"monarch/internal/admin"
	"monarch/internal/store"
	"monarch/msnp"
)

// operator does what the operator of the service may do while it runs.
func (p *Player) operator(words []string) error {
	ctx := p.t.Context()
	service := p.next().Server.Admin()
	p.log.add("", "", fmt.Sprintf("operator %q", words))
	switch words[0] {
	case "notice":
		d, err := time.ParseDuration(words[1])
		if err == nil {
			_, err = service.Notify(ctx, int(d/time.Minute))
		}
		return errors.Join(err, p.agree())
	case "cancel":
		return errors.Join(service.CancelNotice(ctx), p.agree())
	case "stop", "drain", "reload":
		for _, f := range p.nodes {
			if err := p.command(f, words); err != nil {
				return err
			}
		}
		return nil
	case "mail":
		return p.mail(words[1:])
	case "backup":
		p.backup = filepath.Join(p.t.TempDir(), "backup.db")
		return service.Backup(ctx, p.backup)
	case "restore": // while the server does not run
		_, err := store.Restore(ctx, p.backup, p.fix.config.DatabaseURL())
		return err
	case "rotate":
		how := admin.Overlap
		if len(words) > 1 && words[1] == "now" {
			how = admin.AtOnce
		}
		_, err := service.RotateKey(ctx, how)
		return err
	}
	if len(words) < 2 {
		return fmt.Errorf("operator %s whom?", words[0])
	}
	u, err := p.user(words[1])
	if err != nil {
		return err
	}
	switch words[0] {
	case "disable":
		return service.SetDisabled(ctx, u.Handle, true)
	case "enable":
		return service.SetDisabled(ctx, u.Handle, false)
	case "password":
		return service.SetPassword(ctx, u.Handle, words[2])
	case "kick":
		return service.Kick(ctx, u.Handle)
	case "delete":
		return service.DeleteAccount(ctx, u.Handle)
	case "nick":
		return service.Rename(ctx, u.Handle, msnp.Unescape(words[2]))
	case "mailbox":
		return p.mailbox(u, words[2:])
	case "alert":
		return p.alert(u, words[2:])
	}
	return fmt.Errorf("the operator cannot %s", words[0])
}

// command does what is done to each node.
func (p *Player) command(f *Fixture, words []string) error {
	switch words[0] {
	case "stop":
		p.ending = true
		f.cancel() // the directive "stopped" waits
	case "drain":
		f.Server.Drain()
	case "reload":
		settings := make(map[string]string)
		for _, word := range words[1:] {
			key, value, _ := strings.Cut(word, "=")
			settings[key] = value
		}
		_, err := f.Reload(settings)
		return err
	}
	return nil
}

// stopped waits for the end of a server that was told to stop or, with "itself", was not.
func (p *Player) stopped(words []string) error {
	if len(words) > 0 {
		return p.fix.await()
	}
	return p.fix.stop()
}

// restart starts the server again on what it left behind.
func (p *Player) restart([]string) error {
	p.hangUp()
	if p.fix.cancel != nil {
		return fmt.Errorf("the server has not been stopped")
	}
	err := p.fix.start()
	// A process that is just being started may still have the lock that the server let go of.
	for end := time.Now().Add(patience); errors.Is(err, admin.ErrRunning) && time.Now().Before(end); err = p.fix.start() {
		p.fix.Clock.Close()
		<-time.After(10 * time.Millisecond)
	}
	if err != nil {
		return err
	}
	p.begin(p.nodes)
	return nil
}
