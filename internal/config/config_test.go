package config_test

import (
	"fmt"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"monarch/internal/config"
)

// write puts a configuration in a file and returns its path.
func write(t *testing.T, text string) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "monarch.toml")
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

func load(t *testing.T, text string, environ ...string) config.Config {
	t.Helper()
	c, err := config.Load(write(t, text), environ)
	if err != nil {
		t.Fatal(err)
	}
	return c
}

func TestAnnotatedFileIsTheDefault(t *testing.T) {
	if diff := cmp.Diff(config.Default(), load(t, config.Annotated)); diff != "" {
		t.Errorf("the annotated file differs from Default (-default +file):\n%s", diff)
	}
	if diff := cmp.Diff(config.Annotated, config.Default().Encode()); diff != "" {
		t.Errorf("Default encodes otherwise than the annotated file (-file +encoded):\n%s", diff)
	}
	c, err := config.Load("", nil)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(config.Default(), c); diff != "" {
		t.Errorf("no file is not the default:\n%s", diff)
	}
}

func TestEncodedConfigurationReadsBackTheSame(t *testing.T) {
	c := config.Default()
	c.Service.Name = "Ä \"quoted\" \\ name"
	c.Dispatch.Listen = "192.0.2.1:1863"
	c.Notification.Advertise = "im.example.com:443"
	c.Protocol.ForbiddenNames = []string{"staff", `back\slash`}
	c.Protocol.AllowDBelowMSNP9 = true
	c.Limits.Idle = config.Duration(90 * time.Minute)
	c.Limits.PingInterval = config.Duration(45500 * time.Millisecond)
	c.Limits.TicketLife = config.Duration(24 * time.Hour)
	c.Limits.MaxContacts = 150
	c.Networks.Deny = []string{"192.0.2.0/24", "2001:db8::1"}
	c.Connections.Memory = 3 << 30
	c.Rates.Status, c.Rates.Lists = config.Rate{}, config.Rate{Burst: 1024, Per: config.Duration(90 * time.Second)}
	c.Rates.Bytes = config.ByteRate{Burst: 1025 << 10, Per: config.Duration(time.Second)}
	if diff := cmp.Diff(c, load(t, c.Encode())); diff != "" {
		t.Errorf("read back (-want +got):\n%s", diff)
	}
}

func TestKeysAreCompleteAndExplained(t *testing.T) {
	keys := config.Keys()
	byName := make(map[string]config.Key)
	for _, k := range keys {
		byName[k.Name] = k
		if k.Text == "" || k.Default == "" || k.Type == "" {
			t.Errorf("%s lacks a description, default or type: %+v", k.Name, k)
		}
	}
	var fields int
	for _, section := range reflect.VisibleFields(reflect.TypeFor[config.Config]()) {
		fields += section.Type.NumField()
	}
	if len(keys) != fields || len(byName) != fields {
		t.Errorf("%d keys, %d different ones, but %d fields", len(keys), len(byName), fields)
	}
	want := config.Key{
		Name: "limits.ping_interval", Env: "MONARCH_LIMITS_PING_INTERVAL", Type: "duration",
		Default: `"60s"`, Text: "How often clients are asked to say PNG. 30s to 120s.",
	}
	if diff := cmp.Diff(want, byName[want.Name]); diff != "" {
		t.Errorf("limits.ping_interval (-want +got):\n%s", diff)
	}
	for _, line := range strings.Split(config.Annotated, "\n") {
		if len(line) > 92 {
			t.Errorf("line of %d columns in the default file: %s", len(line), line)
		}
	}
}

// Every key can be set by its variable: each is set to a value that is not its default.
func TestEveryKeyHasAnEnvironmentVariable(t *testing.T) {
	special := map[string]string{
		"service.host": "im.example.com", "passport.cert": "c.pem", "passport.key": "k.pem",
		"passport.login_url": "im.example.com/login", "passport.url": "https://im.example.com",
		"ops.trace_endpoint": "http://collector.example.com:4318",
		"web.url":            "https://chat.example.com", "web.cert": "w.pem", "web.key": "wk.pem", "web.acme_email": "a@example.com",
		"web.acme_directory": "https://acme.example.com/dir", "web.acme_ca": "a.pem", "accounts.registration": "invite",
		"accounts.proof_of_work": "20", "database.url": "postgres://other/db", "protocol.ver_reply": "single",
		"protocol.challenge": "check", "protocol.forbidden_names": "staff, help",
		"limits.rates": "off", "limits.idle": "6m", "limits.contact_debounce": "4s",
		"limits.signin_hold": "4s", "limits.queue_bytes": "65537",
		"networks.allow": "192.0.2.0/24", "networks.deny": "192.0.2.7, 2001:db8::/32", "networks.proxies": "10.0.0.1", "admin.networks": "192.0.2.0/24",
		"connections.memory": "32MiB", "rates.bytes": "77777/7s",
		"conn.engine": "portable", "protocol.alerts": "on", "mail.url": "https://mail.example.com", "mail.hook_token": "0123456789abcdef",
		"signin.account_failures": "7", "signin.queue_wait": "7s",
		"smtp.tls": "tls", "smtp.from": "robot@example.com",
		"log.level": "debug", "log.format": "json",
		"cluster.mode": "external", "cluster.nats_url": "tls://nats.example.com", "cluster.peers": "node-2:6222, node-3:6222", "cluster.roles": "passport, web",
	}
	port := 2000
	var environ []string
	for _, k := range config.Keys() {
		value, ok := special[k.Name]
		switch {
		case ok:
		case strings.HasPrefix(k.Name, "cluster.secret"), k.Name == "web.acme": // which cannot be beside a NATS server, or web.cert
			continue
		case strings.HasSuffix(k.Name, "listen"), strings.HasSuffix(k.Name, "advertise"):
			port++
			value = "192.0.2.1:" + string(rune('0'+port%7)) + "00" + string(rune('1'+port%9))
		case k.Type == "bool":
			value = map[string]string{"true": "false", "false": "true"}[k.Default]
		case k.Type == "duration":
			value = "77s"
			if k.Default == value {
				t.Fatalf("%s: choose another value", k.Name)
			}
		case k.Type == "int":
			value = "77"
		case k.Type == "rate":
			value = "77/7s"
		default:
			value = "other"
		}
		environ = append(environ, k.Env+"="+value)
	}
	c, err := config.Load("", append(environ, "HOME=/", "MONARCHY=yes"))
	if err != nil {
		t.Fatal(err)
	}
	defaults := strings.Split(config.Annotated, "\n")
	for i, line := range strings.Split(c.Encode(), "\n") {
		if strings.Contains(line, " = ") && !strings.HasPrefix(line, "#") && !strings.HasPrefix(line, "secret") && !strings.HasPrefix(line, "acme = ") && line == defaults[i] {
			t.Errorf("still the default: %s", line)
		}
	}
	if got := load(t, "", "MONARCH_CLUSTER_SECRET=sesame", "MONARCH_CLUSTER_SECRET_FILE=s").Cluster; got.Secret != "sesame" || got.SecretFile != "s" {
		t.Errorf("the secret is %q, or in %q", got.Secret, got.SecretFile)
	}
	if got := load(t, "", "MONARCH_WEB_ACME=on", "MONARCH_WEB_URL=https://im.example.com"); !got.Web.Secure() || got.WebHost() != "im.example.com" {
		t.Errorf("a certificate by ACME: %+v, for %q", got.Web, got.WebHost())
	}
	if got := c.Protocol.ForbiddenNames; !cmp.Equal(got, []string{"staff", "help"}) {
		t.Errorf("forbidden names %q", got)
	}
}

func TestEnvironmentWinsOverFile(t *testing.T) {
	c := load(t, "[limits]\nmax_contacts = 100\ncookie_life = \"30s\"\n", "MONARCH_LIMITS_MAX_CONTACTS=200")
	if c.Limits.MaxContacts != 200 || c.Limits.CookieLife.D() != 30*time.Second {
		t.Errorf("max_contacts %d, cookie_life %s", c.Limits.MaxContacts, c.Limits.CookieLife)
	}
}

// faults are configurations that are refused, and what of the answer helps.
var faults = []struct{ name, file, env, want string }{
	{
		"a misspelt key", "[limits]\ncooky_life = \"1m\"\n", "",
		`monarch.toml:2: unknown key "limits.cooky_life"; did you mean "limits.cookie_life"?`,
	},
	{"a key in the wrong section", "[service]\nping_interval = \"60s\"\n", "", `did you mean "limits.ping_interval"?`},
	{"a misspelt section", "\n[limit]\nidle = \"10m\"\n", "", `monarch.toml:2: unknown section or key "limit"; did you mean "limits"?`},
	{"a key outside sections", "idle = \"10m\"\n", "", `monarch.toml:1: unknown section or key "idle"`},
	{"two unknown keys", "[limits]\na = 1\nb = 2\n", "", "monarch.toml:3: "},
	{"no TOML", "[limits\n", "", "monarch.toml:1: "},
	{"the wrong type", "[limits]\nmax_contacts = \"many\"\n", "", "monarch.toml:2: limits.max_contacts: "},
	{"a duration without unit", "[limits]\nidle = 60\n", "", `monarch.toml:2: limits.idle is 60 without a unit; write it like "60s"`},
	{"a website nowhere", "[web]\nlisten = \"8080\"\n", "", `web.listen is "8080"; write an address and a port`},
	{"a website on another's port", "[web]\nlisten = \":1863\"\n", "", `dispatch.listen and web.listen both have ":1863"`},
	{"a website with half a certificate", "[web]\ncert = \"a.pem\"\n", "", "web.cert and web.key belong together"},
	{"a collector without a scheme", "[ops]\ntrace_endpoint = \"127.0.0.1:4318\"\n", "", "ops.trace_endpoint is not an address"},
	{"a collector with a password", "[ops]\ntrace_endpoint = \"http://a:secret@b:4318\"\n", "", "ops.trace_endpoint has a user in it"},
	{"no traces at all, by their share", "[ops]\ntrace_percent = 0\n", "", "ops.trace_percent is 0; choose 1 to 100"},
	{"a website below a path", "[web]\nurl = \"https://example.com/im\"\n", "", `web.url is "https://example.com/im"; write what people type`},
	{"a website that is none", "[web]\nurl = \"im.example.com\"\n", "", "web.url is"},
	{"another registration", "[accounts]\nregistration = \"yes\"\n", "", `accounts.registration is "yes"; choose "open" or "invite" or "closed"`},
	{"no puzzle at all", "[accounts]\nproof_of_work = 2\n", "", "accounts.proof_of_work is 2; choose between 8 and 26, or 0"},
	{"a puzzle for ever", "[accounts]\nproof_of_work = 27\n", "", "accounts.proof_of_work is 27"},
	{"an endless audit log", "[audit]\nkeep = 0\n", "", "audit.keep is 0; choose between 1 and 1000"},
	{"audit files of no size", "[audit]\nmax_size = 0\n", "", "audit.max_size is 0; choose between 1 and 1024"},
	{"a duration in text", "[limits]\nidle = \"soon\"\n", "", `"soon" is no duration`},
	{"a misspelt variable", "", "MONARCH_LIMITS_COOKY_LIFE=1m", "MONARCH_LIMITS_COOKY_LIFE; did you mean MONARCH_LIMITS_COOKIE_LIFE?"},
	{"a variable of the wrong type", "", "MONARCH_LIMITS_MAX_CONTACTS=many", `MONARCH_LIMITS_MAX_CONTACTS: "many" is no whole number`},
	{"a variable with a bad bool", "", "MONARCH_PASSPORT_LEGACY_TLS=maybe", "neither true nor false"},
	{"a ping too often", "[limits]\nping_interval = \"10s\"\n", "", "limits.ping_interval is 10s; choose between 30s and 120s"},
	{"a ping too rarely", "[limits]\nping_interval = \"3m\"\n", "", "choose between 30s and 120s"},
	{"an idle time too short", "[limits]\nidle = \"4m\"\n", "", "limits.idle is 4m; choose at least 5m, or 0s"},
	{"no one of the words", "[protocol]\nver_reply = \"both\"\n", "", `protocol.ver_reply is "both"; choose "cvr0" or "single"`},
	{"other rates", "[limits]\nrates = \"10\"\n", "", `limits.rates is "10"; choose "on" or "off"`},
	{"a rate without a time", "[rates]\nlists = \"30\"\n", "", `"30" is no rate; write it like "30/30s"`},
	{"a rate of nothing", "[rates]\nlists = \"0/30s\"\n", "", `"0/30s" is no rate`},
	{"a rate that is a number", "[rates]\n# often\n lists = 30\n", "", `monarch.toml:3: rates.lists: "30" is no rate; write it like "30/30s"`},
	{"the second of two rates", "[rates]\nlists = 30\nbytes = 1.5\n", "", `monarch.toml:3: rates.bytes: "1.5" is no rate of bytes; write it like "1MiB/4s"`},
	{"a rate with a dotted key", "rates.lists = true\n", "", `monarch.toml: rates.lists: "true" is no rate; write it like`},
	{"a duration that is a fraction", "[limits]\nidle = 1.5\n", "", `monarch.toml:2: limits.idle: "1.5" is no duration; write it like "60s"`},
	{"a rate of bytes in another unit", "", "MONARCH_RATES_BYTES=1MB/4s", `"1MB/4s" is no rate of bytes; write it like "1MiB/4s"`},
	{"too much of a rate", "[rates]\nnames = \"1001/1s\"\n", "", "rates.names is 1001/1s; choose between 1 and 1000 in 1s to 60m, or off"},
	{"a rate for too long", "[rates]\nlists = \"10/2h\"\n", "", "rates.lists is 10/2h; choose between"},
	{"too few bytes", "[rates]\nbytes = \"1KiB/1s\"\n", "", "rates.bytes is 1KiB/1s; choose between 16KiB and 1024MiB in 1s to 60s, or off"},
	{"bytes beyond counting", "[rates]\nbytes = \"9999999999MiB/1s\"\n", "", "is no rate of bytes"},
	{"too many invitations", "[rates]\ninvitations = \"1001/60s\"\n", "", "rates.invitations is 1001/60s; choose between 1 and 1000"},
	{"no conversation", "[rates]\nopen_switchboards = 0\n", "", "rates.open_switchboards is 0; choose between 1 and 100000"},
	{"too many contacts", "[limits]\nmax_contacts = 0\n", "", "limits.max_contacts is 0; choose between 1 and 10000"},
	{"no port", "[dispatch]\nlisten = \"1863\"\n", "", `dispatch.listen is "1863"; write an address and a port`},
	{"one port twice", "[dispatch]\nlisten = \":1864\"\n", "", `dispatch.listen and notification.listen both have ":1864"`},
	{"an address to tell without host", "[switchboard]\nadvertise = \":1865\"\n", "", "switchboard.advertise"},
	{"one of several switchboards without port", "[switchboard]\nlisten = \":1865, 1866\"\n", "", `switchboard.listen is "1866"`},
	{"too few addresses to tell", "[switchboard]\nlisten = \":1865, :1866\"\nadvertise = \"a.example.com:1\"\n", "", "give one for each"},
	{"no switchboard", "[switchboard]\nlisten = \"\"\n", "", "switchboard.listen is empty"},
	{"a host with port", "[service]\nhost = \"im.example.com:1863\"\n", "", "host name alone"},
	{"an IPv6 host", "[service]\nhost = \"2001:db8::1\"\n", "", "IPv4 addresses and host names only"},
	{"no host", "[service]\nhost = \"\"\n", "", "service.host is empty"},
	{"half a certificate", "[passport]\ncert = \"c.pem\"\n", "", "belong together"},
	{"a login address with scheme", "[passport]\nlogin_url = \"https://x/y\"\n", "", "without https://"},
	{"pages without scheme", "[passport]\nurl = \"im.example.com\"\n", "", "whole address"},
	{"a database of another kind", "[database]\nurl = \"mysql://db/monarch\"\n", "", "must begin with sqlite:"},
	{"too few connections", "[database]\nmax_connections = 1\n", "", "set at least 2"},
	{"a certificate twice", "[web]\ncert = \"a.pem\"\nkey = \"a.key\"\nacme = \"on\"\nurl = \"https://im.example.com\"\n", "", "web.acme is on, and web.cert names a certificate of yours"},
	{"ACME without a name", "[web]\nacme = \"on\"\n", "", `web.acme is on, and the website is at "127.0.0.1", which no authority certifies`},
	{"ACME on a local name", "[web]\nacme = \"on\"\nurl = \"https://server\"\n", "", `the website is at "server", which no authority certifies`},
	{"ACME without TLS", "[web]\nacme = \"on\"\nurl = \"http://im.example.com\"\n", "", "web.url begins with http://"},
	{"ACME perhaps", "[web]\nacme = \"yes\"\n", "", `web.acme is "yes"; choose "off" or "on"`},
	{"an authority that is none", "[web]\nacme_directory = \"acme.example.com\"\n", "", `web.acme_directory is "acme.example.com"; write the address`},
	{"nobody's address", "[web]\nacme_email = \"Me <me@example.com>\"\n", "", "web.acme_email is"},
	{"a mail page without scheme", "[mail]\nurl = \"mail.example.com\"\n", "", "mail.url is \"mail.example.com\"; write a web address"},
	{"a mail page with a strange word", "[mail]\nurl = \"https://mail.example.com/{name}\"\n", "", "only {email}, {user} and {domain}"},
	{"a short token", "[mail]\nhook_token = \"secret\"\n", "", "mail.hook_token is shorter than 16 characters"},
	{"a level that is none", "[log]\nlevel = \"all\"\n", "", `log.level is "all"; choose "debug" or "info" or "warn" or "error"`},
	{"other alerts", "[protocol]\nalerts = \"yes\"\n", "", `protocol.alerts is "yes"; choose "on" or "off"`},
	{"a mail server without a sender", "[smtp]\nhost = \"mx.example.com\"\n", "", `smtp.from is ""; give the address`},
	{"a mail server with a port", "[smtp]\nhost = \"mx.example.com:25\"\nfrom = \"a@b.c\"\n", "", "the port belongs to smtp.port"},
	{"a mail user without a password", "[smtp]\nhost = \"mx\"\nfrom = \"a@b.c\"\nuser = \"a\"\n", "", "belong together"},
	{"a password in the clear", "[smtp]\nhost = \"mx\"\nfrom = \"a@b.c\"\nuser = \"a\"\npassword = \"b\"\ntls = \"none\"\n", "", "in the clear"},
	{"a network that is none", "[networks]\ndeny = [\"192.0.2\"]\n", "", `networks.deny: "192.0.2" is no network; write it like`},
	{"a network with too many bits", "[networks]\nallow = [\"192.0.2.7/24\"]\n", "", `do you mean "192.0.2.0/24"?`},
	{"a network of operators that is none", "[admin]\nnetworks = [\"home\"]\n", "", `admin.networks: "home" is no network; write it like`},
	{"a proxy with a port", "", "MONARCH_NETWORKS_PROXIES=10.0.0.1:80", `networks.proxies: "10.0.0.1:80" is no network`},
	{"a negative number of connections", "[connections]\nstrangers = -1\n", "", "connections.strangers is -1; choose between 1 and"},
	{"too little memory", "[connections]\nmemory = \"64KiB\"\n", "", "connections.memory is 64KiB; choose at least 1MiB"},
	{"a size of no unit", "[connections]\nmemory = \"64MB\"\n", "", `"64MB" is no size; write it like`},
	{"no failures", "[signin]\naccount_failures = 0\n", "", "signin.account_failures is 0; choose between 2 and 50"},
	{"a wait without end", "[signin]\nqueue_wait = \"1h\"\n", "", "signin.queue_wait is 60m; choose between 1s and 60s"},
	{"a cluster of no kind", "[cluster]\nmode = \"on\"\n", "", `cluster.mode is "on"; choose "off" or "embedded" or "external"`},
	{"several nodes with a file each", "[cluster]\nmode = \"embedded\"\n", "", "a file of SQLite, which one node has to itself"},
	{"a role that is none", "[cluster]\nroles = [\"passport\", \"mail\"]\n", "", `cluster.roles has "mail"; choose from dispatch`},
	{"a role twice", "[cluster]\nroles = [\"web\", \"web\"]\n", "", `cluster.roles has "web" twice`},
	{"a node alone without a switchboard", "", "MONARCH_CLUSTER_ROLES=dispatch,notification,passport", `cluster.roles lacks "switchboard"`},
	{"a node with a strange name", "[cluster]\nmode = \"embedded\"\nnode = \"a/b\"\n", "", `cluster.node is "a/b"; write 1 to 64 letters`},
	{"a cluster without a secret", "", "MONARCH_CLUSTER_MODE=embedded", "cluster.secret is empty; give all nodes the same one"},
	{"a short secret", "[cluster]\nmode = \"embedded\"\nsecret = \"sesame\"\n", "", "cluster.secret is shorter than 16 characters"},
	{"a secret and certificates", "[cluster]\nmode = \"embedded\"\nsecret_file = \"s\"\nca = \"ca.pem\"\n", "", "set one of them"},
	{"an authority without a certificate", "[cluster]\nmode = \"embedded\"\nca = \"ca.pem\"\n", "", "cluster.cert is empty"},
	{"a certificate without its key", "[cluster]\nmode = \"embedded\"\ncert = \"c.pem\"\nca = \"ca.pem\"\n", "", "cluster.cert and cluster.key belong together"},
	{"certificates without an authority", "[cluster]\nmode = \"external\"\ncert = \"c.pem\"\nkey = \"k.pem\"\nnats_url = \"nats://n\"\n", "", "cluster.ca is empty"},
	{"a peer without port", "[cluster]\nmode = \"embedded\"\npeers = [\"a:6222\", \"b\"]\n", "", `cluster.peers: "b" is no host and port`},
	{"a port of the cluster that is taken", "[cluster]\nmode = \"embedded\"\nlisten = \":1863\"\n", "", `dispatch.listen and cluster.listen both have ":1863"`},
	{"NATS nowhere", "[cluster]\nmode = \"external\"\n", "", "cluster.nats_url is empty; write where NATS is"},
	{"NATS and a secret", "[cluster]\nmode = \"external\"\nnats_url = \"nats://n\"\nsecret_file = \"s\"\n", "", "cluster.secret does nothing"},
	{"NATS on the web", "[cluster]\nmode = \"external\"\nnats_url = \"http://a\"\n", "", "cluster.nats_url has something that is no address"},
	{"no data directory", "[data]\ndir = \"\"\n", "", "data.dir is empty"},
}

func TestErrorsSayWhatToDo(t *testing.T) {
	for _, tc := range faults {
		t.Run(tc.name, func(t *testing.T) {
			_, err := config.Load(write(t, tc.file), []string{tc.env})
			if err == nil || !strings.Contains(err.Error(), tc.want) {
				t.Errorf("got error:\n%v\nwant one that contains:\n%s", err, tc.want)
			}
		})
	}
}

func TestNetworksAreAddressesOrPrefixes(t *testing.T) {
	got, err := config.Prefixes([]string{"192.0.2.7", "::ffff:192.0.2.8", "10.0.0.0/8", "2001:db8::/32", "::/0"})
	want := "[192.0.2.7/32 192.0.2.8/32 10.0.0.0/8 2001:db8::/32 ::/0]"
	if fmt.Sprint(got) != want || err != nil {
		t.Errorf("%v, %v; want %s", got, err, want)
	}
	for _, text := range []string{"", "fe80::1%eth0", "10.0.0.0/33", "::ffff:10.0.0.0/104", "localhost"} {
		if got, err := config.Prefixes([]string{text}); err == nil {
			t.Errorf("%q is %v", text, got)
		}
	}
}

func TestSizes(t *testing.T) {
	for text, want := range map[string]config.Size{"0": 0, "77": 77, "64 KiB": 64 << 10, "3MiB": 3 << 20, "1GiB": 1 << 30, "1536KiB": 1536 << 10} {
		var s, again config.Size
		if err := s.UnmarshalText([]byte(text)); err != nil || s != want {
			t.Errorf("%q is %d, %v", text, s, err)
		}
		if err := again.UnmarshalText([]byte(s.String())); err != nil || again != s {
			t.Errorf("%d is written %q and read %d, %v", s, s, again, err)
		}
	}
	for _, text := range []string{"", "MiB", "-1KiB", "64mib", "9999999999GiB"} {
		if err := new(config.Size).UnmarshalText([]byte(text)); err == nil {
			t.Errorf("%q is a size", text)
		}
	}
}

func TestThePasswordForMailMayBeInAFile(t *testing.T) {
	file := filepath.Join(t.TempDir(), "password")
	if err := os.WriteFile(file, []byte("open sesame\r\nnot this\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		name  string
		smtp  config.SMTP
		want  string
		wrong string
	}{
		{"in the configuration", config.SMTP{Password: "x"}, "x", ""},
		{"in a file", config.SMTP{Password: "x", PasswordFile: file}, "open sesame", ""},
		{"in a file that is missing", config.SMTP{PasswordFile: file + "2"}, "", "smtp.password_file"},
		{"in a file that is empty", config.SMTP{PasswordFile: os.DevNull}, "", "write the password there"},
	} {
		t.Run(c.name, func(t *testing.T) {
			got, err := c.smtp.Secret()
			if got != c.want || (err != nil) != (c.wrong != "") || err != nil && !strings.Contains(err.Error(), c.wrong) {
				t.Errorf("%q, %v", got, err)
			}
		})
	}
}

func TestAllProblemsAreToldAtOnce(t *testing.T) {
	_, err := config.Load(write(t, "[limits]\nidle = \"1s\"\nrates = \"?\"\n[data]\ndir = \"\"\n"), nil)
	if err == nil || strings.Count(err.Error(), "\n") != 2 {
		t.Errorf("want three lines, got: %v", err)
	}
}

func TestMissingFileIsNamed(t *testing.T) {
	_, err := config.Load(filepath.Join(t.TempDir(), "absent.toml"), nil)
	if err == nil || !strings.Contains(err.Error(), "absent.toml") {
		t.Errorf("error %v", err)
	}
}

func TestListenersMayAskForAnyPort(t *testing.T) {
	c := load(t, "", "MONARCH_DISPATCH_LISTEN=127.0.0.1:0", "MONARCH_NOTIFICATION_LISTEN=127.0.0.1:0")
	if c.Dispatch.Listen != c.Notification.Listen {
		t.Errorf("%q, %q", c.Dispatch.Listen, c.Notification.Listen)
	}
}

func TestDerivedAddresses(t *testing.T) {
	c := config.Default()
	c.Data.Dir = "/var/lib/monarch"
	c.Service.Host = "im.example.com"
	c.Switchboard = config.Messenger{Listen: ":1865,:1866", Advertise: "sb.example.com:443, im.example.com:444"}
	if got, want := c.DatabaseURL(), "sqlite:/var/lib/monarch/monarch.db"; got != want {
		t.Errorf("database %q, want %q", got, want)
	}
	if got, want := c.Hosts(), []string{"im.example.com", "sb.example.com", "login.passport.com"}; !cmp.Equal(got, want) {
		t.Errorf("hosts %q, want %q", got, want)
	}
	for m, want := range map[config.Messenger]string{
		c.Dispatch: "im.example.com:40000", {Advertise: "sb.example.com:443"}: "sb.example.com:443",
	} {
		if got := c.Advertised(m, "[::]:40000"); got != want {
			t.Errorf("%+v is told as %q, want %q", m, got, want)
		}
	}
	c.Database.URL, c.Passport.URL = "sqlite:other.db", "https://pages.example.com/x"
	if c.DatabaseURL() != "sqlite:other.db" || c.PagesURL() != "https://pages.example.com/x" {
		t.Errorf("%s, %s", c.DatabaseURL(), c.PagesURL())
	}
}

func TestWhereTheAuditLogIs(t *testing.T) {
	c := config.Default()
	for file, want := range map[string]string{"": "monarch-data/audit.log", "off": "", "/var/log/a.log": "/var/log/a.log"} {
		if c.Audit.File = file; c.AuditFile() != filepath.FromSlash(want) {
			t.Errorf("%q: %s", file, c.AuditFile())
		}
	}
}

func TestWhereTheWebsiteIs(t *testing.T) {
	for _, step := range []struct {
		name         string
		web          config.Web
		bound        string
		listen, want string
	}{
		{"by default", config.Default().Web, "[::]:8080", ":8080", "http://im.example.com:8080"},
		{"on the usual port", config.Web{Listen: ":80"}, "[::]:80", ":80", "http://im.example.com"},
		{"with a certificate", config.Web{Listen: ":443", Cert: "c", Key: "k"}, "[::]:443", ":443", "https://im.example.com"},
		{"on another port", config.Web{Listen: ":80", Cert: "c", Key: "k"}, "[::]:80", ":80", "https://im.example.com:80"},
		{"behind a proxy", config.Web{Listen: "127.0.0.1:0", URL: "https://chat.example.com/"}, "127.0.0.1:4711", "127.0.0.1:0", "https://chat.example.com"},
		{"with one by ACME", config.Web{Listen: ":8443", ACME: config.ACMEOn}, "[::]:8443", ":8443", "https://im.example.com:8443"},
		{"nowhere", config.Web{Listen: "off"}, "", "", "http://im.example.com"},
	} {
		c := config.Default()
		c.Service.Host, c.Web = "im.example.com", step.web
		if got := c.WebURL(step.bound); got != step.want || c.WebListen() != step.listen {
			t.Errorf("%s: %q, listening on %q", step.name, got, c.WebListen())
		}
	}
}
