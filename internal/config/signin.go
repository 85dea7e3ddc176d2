package config

import "time"

// Signin bounds who may try passwords, how often and for how long, and how many sign-ins there
// are at a time.
type Signin struct {
	AccountFailures  int      `toml:"account_failures"`
	AddressFailures  int      `toml:"address_failures"`
	StrangerFailures int      `toml:"stranger_failures"`
	MaxDelay         Duration `toml:"max_delay"`
	Handshake        Duration `toml:"handshake"`
	Header           Duration `toml:"header"`
	Body             Duration `toml:"body"`
	Answer           Duration `toml:"answer"`
	Parallel         int      `toml:"parallel"`
	Queue            int      `toml:"queue"`
	QueueWait        Duration `toml:"queue_wait"`
}

func defaultSignin() Signin {
	return Signin{
		AccountFailures:  5,
		AddressFailures:  30,
		StrangerFailures: 20,
		MaxDelay:         Duration(15 * time.Minute),
		Handshake:        Duration(15 * time.Second),
		Header:           Duration(30 * time.Second),
		Body:             Duration(30 * time.Second),
		Answer:           Duration(30 * time.Second),
		Parallel:         16,
		Queue:            4096,
		QueueWait:        Duration(10 * time.Second),
	}
}

func (p *problems) signin(s Signin) {
	for _, k := range []struct {
		key          string
		n, low, high int
	}{
		{"account_failures", s.AccountFailures, 2, 50},
		{"address_failures", s.AddressFailures, 5, 1000},
		{"stranger_failures", s.StrangerFailures, 5, 90},
		{"parallel", s.Parallel, 1, 1000},
		{"queue", s.Queue, 1, 100_000},
	} {
		if k.n < k.low || k.n > k.high {
			p.add("signin.%s is %d; choose between %d and %d", k.key, k.n, k.low, k.high)
		}
	}
	for _, k := range []struct {
		key  string
		d    Duration
		low  time.Duration
		high time.Duration
	}{
		{"max_delay", s.MaxDelay, time.Minute, time.Hour},
		{"handshake", s.Handshake, 2 * time.Second, 2 * time.Minute},
		{"header", s.Header, 2 * time.Second, 2 * time.Minute},
		{"body", s.Body, 2 * time.Second, 2 * time.Minute},
		{"answer", s.Answer, 2 * time.Second, 2 * time.Minute},
		{"queue_wait", s.QueueWait, time.Second, time.Minute},
	} {
		if k.d.D() < k.low || k.d.D() > k.high {
			p.add("signin.%s is %s; choose between %s and %s", k.key, k.d, Duration(k.low), Duration(k.high))
		}
	}
}
