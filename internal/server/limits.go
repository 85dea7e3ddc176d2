package server

import (
	"strings"
	"time"

	"monarch/internal/config"
	"monarch/internal/conn"
	"monarch/internal/metrics"
	"monarch/internal/ns"
	"monarch/internal/sb"
	"monarch/internal/store"
)

// databaseConfig returns which database it is.
func databaseConfig(cfg config.Config, m *metrics.Metrics) store.Config {
	return store.Config{URL: cfg.DatabaseURL(), MaxConnections: cfg.Database.MaxConnections, Measure: m.Stored}
}

// connLimits returns what connections may cost.
func connLimits(cfg config.Config) conn.Limits {
	l := cfg.Limits
	return conn.Limits{
		QueueBytes: l.QueueBytes, QueueStall: l.QueueStall.D(),
		Frame: l.Payload.D(), DeadPeer: l.DeadPeer.D(),
		CloseFlush: 2 * time.Second, Linger: time.Second,
		Slow: 1024 + cfg.Signin.Queue, // whoever waits to sign in must be in nobody's way
	}
}

// sessionLimits returns those of the notification server.
func sessionLimits(cfg config.Config) ns.Limits {
	l := cfg.Limits
	forbidden := make([]string, len(cfg.Protocol.ForbiddenNames))
	for i, word := range cfg.Protocol.ForbiddenNames {
		forbidden[i] = strings.ToLower(word)
	}
	return ns.Limits{
		Greeting: l.Greeting.D(), SignInStart: l.SigninStart.D(), SignIn: l.Signin.D(),
		TicketLife: l.TicketLife.D(), PingInterval: l.PingInterval.D(), Idle: l.Idle.D(),
		ChallengeTimeout: l.ChallengeTimeout.D(), ChallengeInterval: l.ChallengeInterval.D(),
		Move: l.ContactDebounce.D(), MaxContacts: l.MaxContacts, ForbiddenNames: forbidden,
	}
}

// boardLimits returns those of a switchboard.
func boardLimits(cfg config.Config) sb.Limits {
	l := cfg.Limits
	return sb.Limits{
		Entrance: l.SwitchboardLogin.D(), CookieLife: l.CookieLife.D(),
		Idle: l.SwitchboardIdle.D(), IdleGroup: l.SwitchboardIdleGroup.D(),
		Participants: l.MaxParticipants,
	}
}
