package config

import (
	"errors"
	"fmt"
	"net"
	"net/netip"
	"net/url"
	"runtime"
	"slices"
	"strconv"
	"strings"
	"time"
)

// Validate checks that every setting is one a server can run on. The error names each key
// that is not, a line each, and says what to choose instead.
func (c Config) Validate() error {
	var p problems
	p.service(c.Service)
	p.listeners(c)
	p.passport(c.Passport)
	p.web(c)
	p.accounts(c.Accounts)
	p.cluster(c.Cluster)
	p.shared(c)
	p.oneOf("conn.engine", c.Conn.Engine, EngineAuto, EngineEpoll, EnginePortable)
	if c.Conn.Engine == EngineEpoll && runtime.GOOS != "linux" {
		p.add("conn.engine is epoll, which needs Linux; choose auto")
	}
	p.oneOf("protocol.ver_reply", c.Protocol.VerReply, VerCVR0, VerSingle)
	p.oneOf("protocol.challenge", c.Protocol.Challenge, ChallengeEnforce, ChallengeCheck, ChallengeOff)
	p.oneOf("protocol.alerts", c.Protocol.Alerts, AlertsOn, AlertsOff)
	p.networks(c.Networks, c.Connections)
	p.prefixes("admin.networks", c.Admin.Networks)
	p.mail(c.Mail, c.SMTP)
	p.ops(c.Ops)
	p.limits(c.Limits)
	p.rates(c.Rates)
	p.oneOf("log.level", c.Log.Level, LogDebug, LogInfo, LogWarn, LogError)
	p.oneOf("log.format", c.Log.Format, LogText, LogJSON)
	p.signin(c.Signin)
	p.audit(c.Audit)
	if c.Data.Dir == "" {
		p.add("data.dir is empty; name the directory for the database and the certificates")
	}
	p.database(c.Database)
	return errors.Join(p...)
}

// database does not repeat the url, which may have a password in it.
func (p *problems) database(d Database) {
	known := func(scheme string) bool { return strings.HasPrefix(d.URL, scheme) }
	if d.URL != "" && !slices.ContainsFunc([]string{"sqlite:", "postgres://", "postgresql://"}, known) {
		p.add("database.url must begin with sqlite: (as in sqlite:///var/lib/monarch/monarch.db) or postgres:// " +
			"(as in postgres://monarch:password@db.example.com/monarch), or be empty for a file in data.dir")
	}
	if d.MaxConnections < 2 {
		p.add("database.max_connections is %d; set at least 2", d.MaxConnections)
	}
}

// problems collects what is wrong.
type problems []error

func (p *problems) add(format string, args ...any) {
	*p = append(*p, fmt.Errorf(format, args...))
}

func (p *problems) service(s Service) {
	switch addr, err := netip.ParseAddr(s.Host); {
	case s.Host == "":
		p.add("service.host is empty; set the host name or IPv4 address that clients reach this machine at")
	case err == nil && !addr.Is4():
		p.add("service.host is %q; clients of this protocol know IPv4 addresses and host names only", s.Host)
	case err != nil && strings.ContainsAny(s.Host, ":/ \t"):
		p.add("service.host is %q; give the host name alone, without port, path or blanks", s.Host)
	}
	if s.Name == "" || strings.ContainsAny(s.Name, "\r\n") {
		p.add("service.name is %q; give the service a name of one line", s.Name)
	}
}

// listeners checks each address by itself and that no two are the same.
func (p *problems) listeners(c Config) {
	taken := make(map[string]string)
	listen := func(key, addr string) {
		_, port, err := net.SplitHostPort(addr)
		if n, bad := strconv.ParseUint(port, 10, 16); err != nil || bad != nil {
			p.add("%s is %q; write an address and a port like \":1863\" or \"192.0.2.1:1863\"", key, addr)
		} else if other, ok := taken[addr]; ok && n != 0 {
			p.add("%s and %s both have %q; give one of them another port or address", other, key, addr)
		}
		taken[addr] = key
	}
	listen("dispatch.listen", c.Dispatch.Listen)
	p.advertise("dispatch.advertise", c.Dispatch.Advertise)
	listen("notification.listen", c.Notification.Listen)
	p.advertise("notification.advertise", c.Notification.Advertise)
	p.switchboards(c.Switchboard, listen)
	listen("passport.https_listen", c.Passport.HTTPSListen)
	listen("passport.http_listen", c.Passport.HTTPListen)
	if web := c.WebListen(); web != "" {
		listen("web.listen", web)
	}
	listen("ops.listen", c.Ops.Listen)
	if c.Cluster.Mode == ClusterEmbedded {
		listen("cluster.listen", c.Cluster.Listen)
	}
}

// switchboards checks the lists of addresses that m's strings are.
func (p *problems) switchboards(m Messenger, listen func(key, addr string)) {
	listens, advertised := List(m.Listen), List(m.Advertise)
	if len(listens) == 0 {
		p.add("switchboard.listen is empty; write an address and a port like \":1865\"")
	}
	for _, addr := range listens {
		listen("switchboard.listen", addr)
	}
	for _, addr := range advertised {
		p.advertise("switchboard.advertise", addr)
	}
	if len(advertised) != 0 && len(advertised) != len(listens) {
		p.add("switchboard.advertise has %d addresses and switchboard.listen %d; give one for each, or leave advertise empty",
			len(advertised), len(listens))
	}
}

func (p *problems) advertise(key, addr string) {
	if addr == "" {
		return
	}
	host, port, err := net.SplitHostPort(addr)
	n, bad := strconv.ParseUint(port, 10, 16)
	if err != nil || bad != nil || n == 0 || host == "" || strings.ContainsAny(host, ": /") {
		p.add("%s is %q; write what clients connect to, like \"im.example.com:1863\", or leave it empty", key, addr)
	}
}

func (p *problems) passport(c Passport) {
	if (c.Cert == "") != (c.Key == "") {
		p.add("passport.cert and passport.key belong together; set both, or neither for a certificate of our own")
	}
	host, _, ok := strings.Cut(c.LoginURL, "/")
	if !ok || host == "" || strings.Contains(c.LoginURL, "://") || strings.ContainsAny(c.LoginURL, ", \t\r\n") {
		p.add("passport.login_url is %q; write host name and path without https://, like \"login.passport.com/login2.srf\"", c.LoginURL)
	}
	if strings.ContainsAny(c.GatewayAdvertise, " ;,/@\t\r\n") {
		p.add("passport.gateway_advertise is %q; write a host name or address, with a port unless that is 80, or leave it empty", c.GatewayAdvertise)
	}
	if c.URL == "" {
		return
	}
	u, err := url.Parse(c.URL)
	if err != nil || u.Host == "" || u.Scheme != "https" {
		p.add("passport.url is %q; write a whole address like \"https://im.example.com\", or leave it empty", c.URL)
	}
}

func (p *problems) ops(c Ops) {
	switch u, err := url.Parse(c.TraceEndpoint); {
	case c.TraceEndpoint == "":
	case err != nil || u.Host == "" || u.Scheme != "http" && u.Scheme != "https":
		p.add("ops.trace_endpoint is not an address; write a whole one like \"http://127.0.0.1:4318\", or leave it empty")
	case u.User != nil:
		p.add("ops.trace_endpoint has a user in it, who would not be sent; put what the collector asks for in the environment, OTEL_EXPORTER_OTLP_HEADERS")
	}
	if c.TracePercent < 1 || c.TracePercent > 100 {
		p.add("ops.trace_percent is %d; choose 1 to 100", c.TracePercent)
	}
}

func (p *problems) limits(l Limits) {
	const day = 24 * time.Hour
	p.between("ping_interval", l.PingInterval, 30*time.Second, 2*time.Minute)
	p.between("challenge_timeout", l.ChallengeTimeout, 10*time.Second, 5*time.Minute)
	p.between("challenge_interval", l.ChallengeInterval, time.Minute, 365*day)
	p.between("cookie_life", l.CookieLife, 10*time.Second, 10*time.Minute)
	p.between("ticket_life", l.TicketLife, time.Minute, day)
	p.between("greeting", l.Greeting, 5*time.Second, 5*time.Minute)
	p.between("signin_start", l.SigninStart, 5*time.Second, 5*time.Minute)
	p.between("signin", l.Signin, 10*time.Second, 10*time.Minute)
	if l.Idle != 0 && l.Idle.D() < 5*time.Minute {
		p.add("limits.idle is %s; choose at least 5m, or 0s to let silent clients stay", l.Idle)
	}
	p.between("switchboard_idle", l.SwitchboardIdle, time.Minute, day)
	p.between("switchboard_idle_group", l.SwitchboardIdleGroup, time.Minute, day)
	p.between("switchboard_login", l.SwitchboardLogin, 5*time.Second, 5*time.Minute)
	p.count("max_contacts", l.MaxContacts, 1, 10_000)
	p.count("max_participants", l.MaxParticipants, 2, 1000)
	p.between("contact_debounce", l.ContactDebounce, 0, time.Minute)
	p.between("signin_hold", l.SigninHold, 0, time.Minute)
	p.count("queue_bytes", l.QueueBytes, 64<<10, 64<<20)
	p.between("payload", l.Payload, 10*time.Second, 10*time.Minute)
	p.between("dead_peer", l.DeadPeer, 10*time.Second, 5*time.Minute)
	p.between("queue_stall", l.QueueStall, 5*time.Second, 5*time.Minute)
	p.count("hash_parallel", l.HashParallel, 1, 256)
	p.count("hash_queue", l.HashQueue, 1, 100_000)
	p.oneOf("limits.rates", l.Rates, RatesOn, RatesOff)
}

func (p *problems) rates(r Rates) {
	for _, each := range []struct {
		key       string
		rate      Rate
		low, high int
	}{
		{"sign_ins", r.SignIns, 2, 100_000},
		{"status", r.Status, 1, 100_000},
		{"names", r.Names, 1, 1000},
		{"lists", r.Lists, 1, 100_000},
		{"commands", r.Commands, 20, 1_000_000},
		{"switchboards", r.Switchboards, 1, 100_000},
		{"calls", r.Calls, 1, 100_000},
		{"failed_calls", r.FailedCalls, 1, 100_000},
		{"messages", r.Messages, 1, 1_000_000},
		{"failed_messages", r.FailedMessages, 1, 100_000},
		{"invitations", r.Invitations, 1, 1000},
	} {
		if n := each.rate.Burst; n != 0 && (n < each.low || n > each.high || each.rate.Per.D() < time.Second || each.rate.Per.D() > time.Hour) {
			p.add("rates.%s is %s; choose between %d and %d in 1s to 60m, or off", each.key, each.rate, each.low, each.high)
		}
	}
	if n := r.Bytes.Burst; n != 0 && (n < 16<<10 || n > 1<<30 || r.Bytes.Per.D() < time.Second || r.Bytes.Per.D() > time.Minute) {
		p.add("rates.bytes is %s; choose between 16KiB and 1024MiB in 1s to 60s, or off", r.Bytes)
	}
	if n := r.OpenSwitchboards; n < 1 || n > 100_000 {
		p.add("rates.open_switchboards is %d; choose between 1 and 100000", n)
	}
}

func (p *problems) between(key string, d Duration, low, high time.Duration) {
	if d.D() < low || d.D() > high {
		p.add("limits.%s is %s; choose between %s and %s", key, d, Duration(low), Duration(high))
	}
}

func (p *problems) count(key string, n, low, high int) {
	if n < low || n > high {
		p.add("limits.%s is %d; choose between %d and %d", key, n, low, high)
	}
}

func (p *problems) oneOf(key, value string, words ...string) {
	if !slices.Contains(words, value) {
		p.add("%s is %q; choose %s", key, value, `"`+strings.Join(words, `" or "`)+`"`)
	}
}
