package server

import (
	"slices"
	"strings"
	"sync"

	"monarch/internal/admin"
	"monarch/internal/config"
)

// reloadable is a part of the server that takes new settings while it runs.
type reloadable struct {
	keys []string // names of settings; one that ends in a dot stands for its section

	// prepare does what may fail, such as reading files, and returns what puts next in force.
	prepare func(s *Server, next config.Config) (apply func(), err error)
}

// reloadables are all of them. A setting that is in none needs a restart.
var reloadables = []reloadable{
	{[]string{"log.level"}, (*Server).reloadLevel},
	{[]string{"passport.cert", "passport.key", "passport.legacy_tls"}, (*Server).reloadTLS},
	{[]string{"passport.templates"}, (*Server).reloadDocuments},
	{[]string{"accounts.", "admin.", "web.cert", "web.key"}, (*Server).reloadWebsite},
	{[]string{"web.acme_email", "web.acme_directory", "web.acme_ca"}, (*Server).reloadACME},
	{[]string{"mail.hook_token"}, quick(func(s *Server, next config.Config) { s.setHook(next.Mail.HookToken) })},
	{
		[]string{"limits.queue_bytes", "limits.queue_stall", "limits.payload", "limits.dead_peer", "signin.queue"},
		quick(func(s *Server, next config.Config) { s.engine.SetLimits(connLimits(next)) }),
	},
	{[]string{"rates.", "limits.rates"}, quick((*Server).setRates)},
	{[]string{"signin.", "limits.hash_parallel", "limits.hash_queue"}, quick((*Server).setSignin)},
	{[]string{"audit.max_size", "audit.keep"}, quick(func(s *Server, next config.Config) { s.audit.SetLimits(auditLimits(next)) })},
	{[]string{"networks."}, (*Server).reloadNetworks},
	{[]string{"connections."}, quick((*Server).setConnections)},
	{
		[]string{"limits.signin_hold"},
		quick(func(s *Server, next config.Config) { s.hub.SetHold(next.Limits.SigninHold.D()) }),
	},
	{
		[]string{
			"limits.greeting", "limits.signin_start", "limits.signin", "limits.ticket_life",
			"limits.ping_interval", "limits.idle", "limits.challenge_timeout", "limits.challenge_interval",
			"limits.contact_debounce", "limits.max_contacts", "protocol.forbidden_names",
		},
		quick(func(s *Server, next config.Config) { s.ns.SetLimits(sessionLimits(next)) }),
	},
	{
		[]string{
			"limits.cookie_life", "limits.switchboard_login", "limits.switchboard_idle",
			"limits.switchboard_idle_group", "limits.max_participants",
		},
		quick(func(s *Server, next config.Config) {
			for _, board := range s.boards.all {
				board.SetLimits(boardLimits(next))
			}
		}),
	},
}

// Reloadable reports whether a reload puts a setting in force, as far as its name says.
func Reloadable(key string) bool {
	return slices.ContainsFunc(reloadables, func(each reloadable) bool { return each.takes(key) })
}

// quick makes a prepare of a change that cannot fail.
func quick(set func(s *Server, next config.Config)) func(*Server, config.Config) (func(), error) {
	return func(s *Server, next config.Config) (func(), error) {
		return func() { set(s, next) }, nil
	}
}

// reloading is what a reload begins with.
type reloading struct {
	mu      sync.Mutex // for the length of a reload, which nobody but another one waits for
	inForce config.Config
}

// Reload puts in force what of cfg can be without a restart, and reads files again that the
// settings name: certificates and documents. When it fails, nothing has changed. Connections
// are not touched; a deadline that runs stays.
func (s *Server) Reload(cfg config.Config) (admin.Report, error) {
	r := &s.reloading
	r.mu.Lock()
	defer r.mu.Unlock()
	report := admin.Report{Applied: []string{}, Restart: []string{}}
	fixed, err := fixedSettings(r.inForce, cfg)
	if err != nil {
		return admin.Report{}, err
	}
	for _, key := range r.inForce.Changes(cfg) {
		if !slices.Contains(fixed, key) && Reloadable(key) {
			report.Applied = append(report.Applied, key)
		} else {
			report.Restart = append(report.Restart, key)
		}
	}
	next := r.inForce.With(cfg, report.Applied...)
	var apply []func()
	for _, each := range reloadables {
		fn, err := each.prepare(s, next)
		if err != nil {
			return admin.Report{}, err
		}
		apply = append(apply, fn)
	}
	shown := s.tls.Load()
	for _, fn := range apply {
		fn()
	}
	r.inForce = next
	report.NewCertificate = !sameCertificate(shown, s.tls.Load())
	return report, nil
}

// fixedSettings returns the settings that need a restart for what becomes of them: a listener does
// not change between HTTP and HTTPS, nor its certificate between files and ACME. What could not be
// loaded then is an error now.
func fixedSettings(from, to config.Config) ([]string, error) {
	if (from.Web.Cert == "") == (to.Web.Cert == "") && from.Web.ACME == to.Web.ACME {
		return nil, nil
	}
	_, err := loadWebTLS(to.Web)
	return []string{"web.cert", "web.key"}, err
}

func (r reloadable) takes(key string) bool {
	return slices.ContainsFunc(r.keys, func(each string) bool {
		return each == key || strings.HasSuffix(each, ".") && strings.HasPrefix(key, each)
	})
}

func (s *Server) reloadLevel(next config.Config) (func(), error) {
	return func() { s.level.Set(levels[next.Log.Level]) }, nil
}

func (s *Server) reloadTLS(next config.Config) (func(), error) {
	settings, err := loadTLS(next)
	return func() { s.tls.Store(settings) }, err
}

func (s *Server) reloadDocuments(next config.Config) (func(), error) {
	return s.passport.Documents(next.Passport.Templates)
}
