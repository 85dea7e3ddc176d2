// Package config is everything an operator may choose, in one struct with one annotated
// default file, read strictly from TOML and the environment and checked in one place. What
// a setting changes is the business of the package that uses it.
package config

import (
	"fmt"
	"time"
)

// Config is the complete configuration of a server. Every key of the file is a field of a
// section; [Annotated] explains each one.
type Config struct {
	Service      Service     `toml:"service"`
	Data         Data        `toml:"data"`
	Database     Database    `toml:"database"`
	Cluster      Cluster     `toml:"cluster"`
	Dispatch     Messenger   `toml:"dispatch"`
	Notification Messenger   `toml:"notification"`
	Switchboard  Messenger   `toml:"switchboard"`
	Passport     Passport    `toml:"passport"`
	Web          Web         `toml:"web"`
	Accounts     Accounts    `toml:"accounts"`
	Ops          Ops         `toml:"ops"`
	Admin        Admin       `toml:"admin"`
	Conn         Conn        `toml:"conn"`
	Networks     Networks    `toml:"networks"`
	Connections  Connections `toml:"connections"`
	Signin       Signin      `toml:"signin"`
	Protocol     Protocol    `toml:"protocol"`
	Mail         Mail        `toml:"mail"`
	SMTP         SMTP        `toml:"smtp"`
	Limits       Limits      `toml:"limits"`
	Rates        Rates       `toml:"rates"`
	Audit        Audit       `toml:"audit"`
	Log          Log         `toml:"log"`
}

// Service says what the service is called and where clients find it.
type Service struct {
	Host string `toml:"host"`
	Name string `toml:"name"`
}

// Data says where the server keeps its files.
type Data struct {
	Dir string `toml:"dir"`
}

// Database says where accounts and lists are stored.
type Database struct {
	URL            string `toml:"url"` // "" is an SQLite file in the data directory
	MaxConnections int    `toml:"max_connections"`
}

// Messenger is one of the three servers that speak MSNP: where it listens and which
// address clients are told, if another. For the switchboard both may be lists, separated by
// commas.
type Messenger struct {
	Listen    string `toml:"listen"`
	Advertise string `toml:"advertise"` // "" is service.host with the port of Listen
}

// Passport is the sign-in service and the documents clients fetch over HTTP.
type Passport struct {
	HTTPSListen string `toml:"https_listen"`
	HTTPListen  string `toml:"http_listen"`

	// Where the gateway of this very node is; "" is where the client came.
	GatewayAdvertise string `toml:"gateway_advertise"`

	Cert      string `toml:"cert"` // "" is a certificate made in the data directory
	Key       string `toml:"key"`
	LegacyTLS bool   `toml:"legacy_tls"`
	LoginURL  string `toml:"login_url"`
	URL       string `toml:"url"`       // "" is https:// and service.host
	Templates string `toml:"templates"` // "" is the built-in ones
}

// Ops is the listener for health checks and metrics, and where traces go.
type Ops struct {
	Listen        string `toml:"listen"`
	TraceEndpoint string `toml:"trace_endpoint"` // "" is nowhere
	TracePercent  int    `toml:"trace_percent"`
}

// Admin says who may manage the service over the website.
type Admin struct {
	Networks []string `toml:"networks"` // from where; none: from everywhere
}

// Conn says how connections of clients are driven.
type Conn struct {
	Engine string `toml:"engine"`
}

// Mail is what the service knows of mailboxes that are kept elsewhere.
type Mail struct {
	URL       string `toml:"url"`        // may hold {email}, {user} and {domain}
	HookToken string `toml:"hook_token"` // "" is no hook
}

// SMTP is the mail server that takes invitations.
type SMTP struct {
	Host         string `toml:"host"` // "" sends none
	Port         int    `toml:"port"`
	TLS          string `toml:"tls"`
	From         string `toml:"from"`
	User         string `toml:"user"`
	Password     string `toml:"password"`
	PasswordFile string `toml:"password_file"`
}

// Log says what the server writes about itself, and how.
type Log struct {
	Level  string `toml:"level"`
	Format string `toml:"format"`
}

// Values that are one word out of a few.
const (
	LogDebug = "debug" // every connection and request that failed
	LogInfo  = "info"  // the life of the process and administration
	LogWarn  = "warn"  // what an operator may want to look into
	LogError = "error" // what wants somebody to look

	LogText = "text" // key=value, for people
	LogJSON = "json" // an object a line, for programs

	EngineAuto     = "auto"     // the event loop where there is one
	EngineEpoll    = "epoll"    // the event loop, on Linux
	EnginePortable = "portable" // a goroutine for each connection

	AlertsOn  = "on"  // operators may send alerts
	AlertsOff = "off" // they are refused

	SMTPStartTLS = "starttls" // encrypted after the greeting
	SMTPTLS      = "tls"      // encrypted from the beginning
	SMTPNoTLS    = "none"     // not encrypted

	VerCVR0   = "cvr0"   // VER answers the chosen version and CVR0
	VerSingle = "single" // VER answers the chosen version alone

	ChallengeEnforce = "enforce" // a wrong answer, or none, ends the session
	ChallengeCheck   = "check"   // a wrong answer is only counted
	ChallengeOff     = "off"     // clients are not challenged

	RatesOn  = "on"  // rate limits hold
	RatesOff = "off" // nothing is limited; for load tests
)

// Protocol chooses among the readings of the protocol that clients disagree about.
type Protocol struct {
	VerReply                string   `toml:"ver_reply"`
	Challenge               string   `toml:"challenge"`
	Alerts                  string   `toml:"alerts"`
	ForbiddenNames          []string `toml:"forbidden_names"`
	AllowDBelowMSNP9        bool     `toml:"allow_d_below_msnp9"`
	CloseSwitchboardsOnKick bool     `toml:"close_switchboards_on_kick"`
}

// Limits bounds what clients may use: time, memory and other people's patience.
type Limits struct {
	PingInterval         Duration `toml:"ping_interval"`
	ChallengeTimeout     Duration `toml:"challenge_timeout"`
	ChallengeInterval    Duration `toml:"challenge_interval"`
	CookieLife           Duration `toml:"cookie_life"`
	TicketLife           Duration `toml:"ticket_life"`
	Greeting             Duration `toml:"greeting"`
	SigninStart          Duration `toml:"signin_start"`
	Signin               Duration `toml:"signin"`
	Idle                 Duration `toml:"idle"` // 0 is off
	SwitchboardIdle      Duration `toml:"switchboard_idle"`
	SwitchboardIdleGroup Duration `toml:"switchboard_idle_group"`
	SwitchboardLogin     Duration `toml:"switchboard_login"`
	MaxContacts          int      `toml:"max_contacts"`
	MaxParticipants      int      `toml:"max_participants"`
	ContactDebounce      Duration `toml:"contact_debounce"`
	SigninHold           Duration `toml:"signin_hold"`
	QueueBytes           int      `toml:"queue_bytes"`
	QueueStall           Duration `toml:"queue_stall"`
	Payload              Duration `toml:"payload"`
	DeadPeer             Duration `toml:"dead_peer"`
	HashParallel         int      `toml:"hash_parallel"`
	HashQueue            int      `toml:"hash_queue"`
	Rates                string   `toml:"rates"`
}

// Default returns the configuration of a server that was told nothing: everything on this
// machine, for clients on this machine.
func Default() Config {
	return Config{
		Service:      Service{Host: "127.0.0.1", Name: "Monarch"},
		Data:         Data{Dir: "monarch-data"},
		Database:     Database{MaxConnections: 20},
		Cluster:      Cluster{Mode: ClusterOff, Listen: ":6222", Peers: []string{}, Roles: roles(), Capacity: 10_000},
		Dispatch:     Messenger{Listen: ":1863"},
		Notification: Messenger{Listen: ":1864"},
		Switchboard:  Messenger{Listen: ":1865"},
		Passport: Passport{
			HTTPSListen: ":8443",
			HTTPListen:  ":8081",
			LegacyTLS:   true,
			LoginURL:    "login.passport.com/login2.srf",
		},
		Web:         Web{Listen: ":8080", ACME: ACMEOff, ACMEDirectory: LetsEncrypt},
		Accounts:    Accounts{Registration: RegistrationOpen, ProofOfWork: 18},
		Ops:         Ops{Listen: "127.0.0.1:9090", TracePercent: 100},
		Admin:       Admin{Networks: []string{}},
		Conn:        Conn{Engine: EngineAuto},
		Networks:    Networks{Allow: []string{}, Deny: []string{}, Proxies: []string{}},
		Connections: Connections{PerAddress: 100, StrangersPerAddress: 20, Strangers: 10_000, Memory: 64 << 20},
		Protocol: Protocol{
			VerReply:                VerCVR0,
			Challenge:               ChallengeEnforce,
			Alerts:                  AlertsOff,
			ForbiddenNames:          []string{},
			CloseSwitchboardsOnKick: true,
		},
		SMTP: SMTP{Port: 587, TLS: SMTPStartTLS},
		Limits: Limits{
			PingInterval:         Duration(60 * time.Second),
			ChallengeTimeout:     Duration(60 * time.Second),
			ChallengeInterval:    Duration(60 * time.Minute),
			CookieLife:           Duration(120 * time.Second),
			TicketLife:           Duration(10 * time.Minute),
			Greeting:             Duration(30 * time.Second),
			SigninStart:          Duration(60 * time.Second),
			Signin:               Duration(120 * time.Second),
			SwitchboardIdle:      Duration(5 * time.Minute),
			SwitchboardIdleGroup: Duration(60 * time.Minute),
			SwitchboardLogin:     Duration(60 * time.Second),
			MaxContacts:          600,
			MaxParticipants:      50,
			ContactDebounce:      Duration(3 * time.Second),
			SigninHold:           Duration(10 * time.Second),
			QueueBytes:           1 << 20,
			QueueStall:           Duration(30 * time.Second),
			Payload:              Duration(60 * time.Second),
			DeadPeer:             Duration(210 * time.Second),
			HashParallel:         2,
			HashQueue:            64,
			Rates:                RatesOn,
		},
		Rates:  defaultRates(),
		Log:    Log{Level: LogInfo, Format: LogText},
		Signin: defaultSignin(),
		Audit:  Audit{MaxSize: 32, Keep: 8},
	}
}

// Duration is a length of time that the file writes as 30s, 5m or 1h30m.
type Duration time.Duration

// D returns the duration as the type the rest of the world uses.
func (d Duration) D() time.Duration { return time.Duration(d) }

// UnmarshalText reads a duration with its unit.
func (d *Duration) UnmarshalText(text []byte) error {
	v, err := time.ParseDuration(string(text))
	if err != nil {
		return fmt.Errorf("%q is no duration; write it like \"60s\", \"5m\" or \"1h30m\"", text)
	}
	*d = Duration(v)
	return nil
}

// String writes the duration in one unit that gives a whole number, in the way people say
// it: 60s, 120s, 5m, 60m, 24h.
func (d Duration) String() string {
	switch v := time.Duration(d); {
	case v == 0:
		return "0s"
	case v%time.Second != 0:
		return v.String()
	case v%time.Minute != 0 || v <= 2*time.Minute:
		return fmt.Sprintf("%ds", v/time.Second)
	case v%time.Hour != 0 || v < 2*time.Hour:
		return fmt.Sprintf("%dm", v/time.Minute)
	default:
		return fmt.Sprintf("%dh", v/time.Hour)
	}
}
