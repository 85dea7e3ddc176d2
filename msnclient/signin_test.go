package msnclient_test

import (
	"context"
	"errors"
	"net"
	"reflect"
	"strings"
	"syscall"
	"testing"

	"monarch/msnclient"
	"monarch/msnp"
)

func TestSignIn(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, v msnp.Version) {
		w := newWorld(t, nil)
		u := w.signIn("alice", v)
		if me := u.Self(); me.Handle != "alice@example.com" || me.Name != "Alice" || me.Status != msnp.Online {
			t.Errorf("I am %+v", me)
		}
		if u.Version() != v {
			t.Errorf("speaks %v", u.Version())
		}
		if p := u.Profile(); p["sid"] != "507" || p["MSPAuth"] == "" {
			t.Errorf("profile %v", p)
		}
		r := u.Roster()
		if r.Version == 0 || len(r.Groups) != 1 || r.Groups[0].Number != 0 || r.Privacy != msnclient.AllowOthers || r.Prompt != msnclient.AskWhenAdded {
			t.Errorf("roster %+v", r)
		}
		check(t, u.Ping(within(t)))
		check(t, u.Close())
		check(t, u.Close())
		if err := u.Ping(within(t)); !errors.Is(err, msnclient.ErrClosed) {
			t.Errorf("ping after Close: %v", err)
		}
		if e := expect[msnclient.Closed](u, nil); e.Err != nil {
			t.Errorf("closed with %v", e.Err)
		}
		if _, more := <-u.Events(); more {
			t.Error("an event after Closed")
		}
	})
}

func TestSignInFails(t *testing.T) {
	t.Parallel()
	w := newWorld(t, nil)
	check(t, w.f.Server.Admin().SetDisabled(t.Context(), "dave@example.com", true))
	for _, c := range []struct {
		name string
		cfg  func(*msnclient.Config)
		want error // nil: any
	}{
		{"with a wrong password", func(c *msnclient.Config) { c.Password = "secret-bob" }, msnclient.ErrPassword},
		{"with an account that does not exist", func(c *msnclient.Config) { c.Handle = "nobody@example.com" }, msnclient.ErrPassword},
		{"with a disabled account", func(c *msnclient.Config) { c.Handle, c.Password = "dave@example.com", "secret-dave" }, msnclient.ErrPassword},
		{"with what is no handle", func(c *msnclient.Config) { c.Handle = "alice" }, msnp.CodeInvalidHandle},
		{"with a status nobody can have", func(c *msnclient.Config) { c.Status = msnp.Offline }, msnp.CodeInvalidParameter},
		{"with what is no status", func(c *msnclient.Config) { c.Status = "NLN 0\r\nOUT" }, msnp.CodeInvalidParameter},
		{"with a negative buffer", func(c *msnclient.Config) { c.Buffer = -1 }, nil},
		{"with a version nobody speaks", func(c *msnclient.Config) { c.Version = 7 }, msnclient.ErrVersion},
		{"with the certificate of somebody else", func(c *msnclient.Config) { c.Login = "https://messenger.hotmail.com/login" }, nil},
		{"without TLS", func(c *msnclient.Config) { c.Login = "http://login.passport.com/login2.srf" }, nil},
		{"where nobody listens", func(c *msnclient.Config) { c.Server = "127.0.0.1:1" }, syscall.ECONNREFUSED},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			cfg := w.config("alice", msnp.MSNP9)
			c.cfg(&cfg)
			client, err := msnclient.Dial(within(t), cfg)
			if err == nil {
				client.Close()
				t.Fatal("signed in")
			}
			if c.want != nil && !errors.Is(err, c.want) {
				t.Error(err)
			}
		})
	}
}

var errAny = errors.New("any error")

func TestRefusalSpeaksToTheUser(t *testing.T) {
	t.Parallel()
	w := newWorld(t, nil)
	cfg := w.config("alice", msnp.MSNP8)
	cfg.Password = "no, it is not"
	_, err := msnclient.Dial(within(t), cfg)
	if !errors.Is(err, msnclient.ErrPassword) || !strings.Contains(err.Error(), "password") || strings.Contains(err.Error(), "%20") {
		t.Errorf("%v", err)
	}
}

func TestSignInWithoutNexus(t *testing.T) {
	t.Parallel()
	w := newWorld(t, nil)
	u := w.signIn("alice", msnp.MSNP9, func(c *msnclient.Config) { c.Login = "https://login.passport.com/login2.srf" })
	check(t, u.Close())
	// A nexus that is not there is no obstacle, unless somebody asked for it.
	w.mu.Lock()
	w.addrs["nexus.passport.com:443"] = "127.0.0.1:1"
	w.mu.Unlock()
	check(t, w.signIn("alice", msnp.MSNP9).Close())
	cfg := w.config("alice", msnp.MSNP9)
	cfg.Nexus = "https://nexus.passport.com/rdr/pprdr.asp"
	if c, err := msnclient.Dial(within(t), cfg); err == nil {
		c.Close()
		t.Error("signed in through a nexus that is not there")
	}
}

func TestSignInWithPasswordFullOfSyntax(t *testing.T) {
	t.Parallel()
	w := newWorld(t, nil)
	const password = "a,lc=1+b %'\"=é&"
	check(t, w.f.Server.Admin().SetPassword(t.Context(), "alice@example.com", password))
	w.signIn("alice", msnp.MSNP8, func(c *msnclient.Config) { c.Password = password })
}

func TestSignInIsAbandoned(t *testing.T) {
	t.Parallel()
	w := newWorld(t, nil)
	for _, word := range []string{"VER ", "CVR ", "USR ", "SYN ", "CHG "} {
		t.Run(word, func(t *testing.T) { // one after another, or they would drive each other out
			ctx, cancel := context.WithCancel(within(t))
			defer cancel()
			cfg := w.config("alice", msnp.MSNP9)
			cfg.Dialer = func(c context.Context, network, addr string) (net.Conn, error) {
				conn, err := w.dial(c, network, addr)
				return cancelling{conn, word, cancel}, err
			}
			c, err := msnclient.Dial(ctx, cfg)
			if err == nil {
				c.Close()
			} else if !errors.Is(err, context.Canceled) {
				t.Error(err)
			}
		})
	}
}

// cancelling ends a context when its user says a word.
type cancelling struct {
	net.Conn
	word   string
	cancel context.CancelFunc
}

func (c cancelling) Write(b []byte) (int, error) {
	if strings.HasPrefix(string(b), c.word) {
		c.cancel()
	}
	return c.Conn.Write(b)
}

func TestRosterComesFromTheCache(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, v msnp.Version) {
		w := newWorld(t, nil)
		w.p.Play("mutual alice bob\nlist carol FL alice\ngroup alice Friends\nproperty bob PHH 1%20555\nstored alice bob Bobby")
		first := w.signIn("alice", v)
		fresh := first.Roster()
		check(t, first.Close())

		tapped := new(wire)
		again := w.signIn("alice", v, func(c *msnclient.Config) { c.Cached = &fresh }, tap(tapped))
		if said, heard := tapped.session().lines(); strings.Contains(heard, "LST") || !strings.Contains(said, "SYN") {
			t.Errorf("the list was sent:\n%s\n%s", said, heard)
		}
		if got := again.Roster(); !reflect.DeepEqual(got, fresh) {
			t.Errorf("from the cache %+v\nfresh %+v", got, fresh)
		}
		if e := expect[msnclient.AddedBy](again, nil); e.Handle != "carol@example.com" {
			t.Errorf("added by %+v", e)
		}
		check(t, again.Close())

		// Somebody changed something in between: the cache is of no use.
		bob := w.signIn("bob", v)
		check(t, bob.Remove(within(t), "alice@example.com"))
		last := w.signIn("alice", v, func(c *msnclient.Config) { c.Cached = &fresh })
		if e := expect[msnclient.RemovedBy](last, nil); e.Handle != "bob@example.com" {
			t.Errorf("removed by %+v", e)
		}
		if who, _ := last.Roster().Contact("Bob@Example.com"); who.Lists.Has(msnclient.Reverse) || who.Stored != "Bobby" {
			t.Errorf("bob is %+v", who)
		}
	})
}
