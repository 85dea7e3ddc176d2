package web

import (
	"context"
	"errors"
	"net/http"
	"strings"
	"time"

	"monarch/internal/account"
	"monarch/internal/audit"
	"monarch/internal/auth"
	"monarch/internal/im"
	"monarch/internal/store"
)

// joinRoutes are signing up and signing in.
func (s *Server) joinRoutes(mux *http.ServeMux) {
	mux.Handle("GET /join", s.do(s.joinPage))
	mux.Handle("POST /join", s.do(s.join))
	mux.Handle("GET /join/sent", s.do(s.sent))
	mux.Handle("GET /join/confirm", s.do(s.confirmPage))
	mux.Handle("POST /join/confirm", s.do(s.confirmed))
	mux.Handle("GET /welcome", s.member(s.welcome))
	mux.Handle("GET /signin", s.do(s.signInPage))
	mux.Handle("POST /signin", s.do(s.signIn))
	mux.Handle("POST /signout", s.do(s.signOut))
	mux.Handle("GET /reset", s.do(s.resetPage))
	mux.Handle("POST /reset", s.do(s.askReset))
	mux.Handle("GET /reset/sent", s.do(s.sent))
	mux.Handle("GET /reset/new", s.do(s.newPasswordPage))
	mux.Handle("POST /reset/new", s.do(s.newPassword))
}

// The lengths of passwords that are chosen here.
const (
	minPassword = 8
	oldPassword = 16 // characters that all clients send
)

// joinForm is the form to sign up.
type joinForm struct {
	Invite bool // a code is wanted
	Mail   bool // a letter will be sent, whose reader chooses the password

	Handle, Name, Code string
	password           string

	Challenge string
	Answer    string
	Bits      int

	Problems map[string]string // keys of texts, by field
	Seconds  int               // that are left of the wait
}

// Wait is how many seconds a browser without scripts has to wait, or 0.
func (f *joinForm) Wait() int {
	if f.Bits == 0 {
		return 0
	}
	return int(proofWait / time.Second)
}

// refuse notes what is wrong with a field. The first problem of each counts.
func (f *joinForm) refuse(field, key string) {
	if f.Problems[field] == "" {
		f.Problems[field] = key
	}
}

// form returns the form as it begins.
func (s *Server) form() *joinForm {
	limits := s.limits.Load()
	f := &joinForm{
		Invite: limits.Registration == Invite, Mail: s.cfg.Post != nil,
		Bits: limits.ProofBits, Problems: make(map[string]string),
	}
	s.renew(f)
	return f
}

// renew gives a form a challenge that nobody has answered.
func (s *Server) renew(f *joinForm) { f.Challenge, f.Answer = s.issue(f.Bits), "" }

func (s *Server) joinPage(w http.ResponseWriter, r *http.Request) error {
	if visitorOf(r).Account != nil {
		return back(w, r, "/account")
	}
	if s.limits.Load().Registration == Closed {
		return s.page(w, r, "join/closed", nil)
	}
	f := s.form()
	f.Code = r.URL.Query().Get("code")
	return s.page(w, r, "join/join", f)
}

// join takes the form. What is wrong with it is shown in the form itself.
func (s *Server) join(w http.ResponseWriter, r *http.Request) error {
	v := visitorOf(r)
	if s.limits.Load().Registration == Closed {
		return s.pageWith(http.StatusForbidden, w, r, "join/closed", nil)
	}
	if !s.allow(v.Address, signingUp) {
		return errLimited
	}
	f := s.readJoin(r)
	if err := s.checkJoin(r.Context(), v, f); err != nil {
		return err
	}
	if len(f.Problems) > 0 {
		return s.pageWith(http.StatusUnprocessableEntity, w, r, "join/join", f)
	}
	err := s.signUp(w, r, f)
	switch {
	case errors.Is(err, im.ErrHandleTaken):
		f.refuse("handle", "join.taken")
	case errors.Is(err, store.ErrNoInvite):
		f.refuse("code", "join.bad_code")
	default:
		return err
	}
	s.renew(f)
	return s.pageWith(http.StatusUnprocessableEntity, w, r, "join/join", f)
}

// readJoin reads the form and checks what can be checked by looking at it.
func (s *Server) readJoin(r *http.Request) *joinForm {
	f := s.form()
	field := func(name string) string { return strings.TrimSpace(r.PostFormValue(name)) }
	f.Handle, f.Name, f.Code = field("handle"), field("name"), field("code")
	f.password = r.PostFormValue("password")
	if handle, err := im.ParseHandle(f.Handle); err != nil {
		f.refuse("handle", "join.bad_handle")
	} else {
		f.Handle = handle
	}
	if f.Name != "" && account.CheckName(f.Name) != nil {
		f.refuse("name", "join.bad_name")
	}
	if !f.Mail {
		for field, key := range checkPassword(f.password, r.PostFormValue("again")) {
			f.refuse(field, key)
		}
	}
	if f.Invite {
		if _, ok := auth.ParseCode(f.Code); !ok {
			f.refuse("code", "join.bad_code")
		}
	}
	if c := r.PostFormValue("challenge"); c != "" {
		f.Challenge, f.Answer = c, field("answer")
	}
	return f
}

// checkPassword returns what is wrong with a password that somebody chose, by field.
func checkPassword(password, again string) map[string]string {
	switch err := account.CheckPassword(password); {
	case errors.Is(err, account.ErrPasswordControl):
		return map[string]string{"password": "join.control_password"}
	case len(password) < minPassword:
		return map[string]string{"password": "join.short_password"}
	case err != nil:
		return map[string]string{"password": "join.long_password"}
	case password != again:
		return map[string]string{"again": "join.other_password"}
	}
	return nil
}

// checkJoin checks the rest once the form is good: that it was worth some work, and the code.
// Then the challenge is spent. The error is for a page of its own.
func (s *Server) checkJoin(ctx context.Context, v *visitor, f *joinForm) error {
	c, good := s.open(f.Challenge)
	if !good {
		s.renew(f)
		f.refuse("proof", "join.stale")
		return nil
	}
	if len(f.Problems) > 0 {
		return nil
	}
	if c.bits > 0 && !c.solves(f.Challenge, f.Answer) {
		if left := proofWait - s.cfg.Clock.Steady().Sub(c.issued); left > 0 {
			f.Seconds, f.Answer = int((left+time.Second-1)/time.Second), ""
			f.refuse("proof", "join.wait")
			return nil
		}
		if !s.allow(v.Address, waiting) {
			return errLimited
		}
	}
	if !s.spent.use(c.nonce, s.cfg.Clock.Elapsed()) {
		s.renew(f)
		f.refuse("proof", "join.stale")
		return nil
	}
	if !f.Invite {
		return nil
	}
	err := s.cfg.Store.CheckInvite(ctx, f.Code, s.cfg.Clock.Now())
	if errors.Is(err, store.ErrNoInvite) {
		s.renew(f)
		f.refuse("code", "join.bad_code")
		return nil
	}
	return err
}

// signUp makes the account, or sends the letter that leads to it.
func (s *Server) signUp(w http.ResponseWriter, r *http.Request, f *joinForm) error {
	v := visitorOf(r)
	if f.Name == "" {
		f.Name, _, _ = strings.Cut(f.Handle, "@")
	}
	in := store.SignUp{Handle: f.Handle, Name: f.Name}
	if f.Invite {
		in.Invite = f.Code
	}
	if f.Mail {
		err := s.later(func(ctx context.Context) error { return s.confirm(ctx, recipientOf(v, f.Handle), in) })
		if err != nil {
			return err
		}
		return back(w, r, "/join/sent")
	}
	hash, err := s.cfg.Account.HashFor(r.Context(), v.Address, f.password)
	if err != nil {
		return err
	}
	in.PasswordHash = hash
	long := ""
	if len(f.password) > oldPassword {
		long = "?long=1"
	}
	user, err := s.cfg.Account.SignUp(byVisitor(r.Context(), v), in)
	if err != nil {
		return err
	}
	s.Counts.SignUps.Add(1)
	if err := s.begin(w, r, user); err != nil {
		return err
	}
	return back(w, r, "/welcome"+long)
}

// byVisitor is a context in which the audit log says where somebody made his account.
func byVisitor(ctx context.Context, v *visitor) context.Context {
	return audit.WithActor(ctx, "visitor from "+v.Address.String())
}

// sent says that a letter is on its way, whether it is or not.
func (s *Server) sent(w http.ResponseWriter, r *http.Request) error {
	return s.page(w, r, "join/sent", struct{ Reset bool }{strings.HasPrefix(r.URL.Path, "/reset")})
}

// welcome says what comes next.
func (s *Server) welcome(w http.ResponseWriter, r *http.Request) error {
	return s.page(w, r, "join/welcome", struct{ Long bool }{r.URL.Query().Has("long")})
}

// letterForm is a page that a link in a letter leads to.
type letterForm struct {
	Handle, Token string
	Problems      map[string]string
}

// signUpLetter returns what a letter was sent for. While it was on its way registration may have
// been closed, or opened only to those with a code.
func (s *Server) signUpLetter(ctx context.Context, token string) (store.SignUp, error) {
	in, err := s.cfg.Store.SignUpLetter(ctx, token, s.cfg.Clock.Now())
	r := s.limits.Load().Registration
	if err == nil && (r == Closed || r == Invite && in.Invite == "") {
		err = errClosedSince
	}
	return in, err
}

// confirmPage only asks: programs that look at letters follow the links in them.
func (s *Server) confirmPage(w http.ResponseWriter, r *http.Request) error {
	return s.confirmForm(http.StatusOK, w, r, r.URL.Query().Get("token"), nil)
}

// confirmForm shows the form that the link of a letter leads to. It has the password: whoever filled in the
// form to sign up need not be who reads the letter, and is not to know it.
func (s *Server) confirmForm(status int, w http.ResponseWriter, r *http.Request, token string, problems map[string]string) error {
	in, err := s.signUpLetter(r.Context(), token)
	if err != nil {
		return err
	}
	return s.pageWith(status, w, r, "join/confirm", letterForm{in.Handle, token, problems})
}

// confirmed makes the account that a letter was sent for.
func (s *Server) confirmed(w http.ResponseWriter, r *http.Request) error {
	token, password := r.PostFormValue("token"), r.PostFormValue("password")
	if problems := checkPassword(password, r.PostFormValue("again")); problems != nil {
		return s.confirmForm(http.StatusUnprocessableEntity, w, r, token, problems)
	}
	v := visitorOf(r)
	_, err := s.signUpLetter(r.Context(), token) // before a hash is computed for nothing
	if err == nil {
		_, err = s.cfg.Account.Confirm(byVisitor(r.Context(), v), v.Address, token, password)
	}
	switch {
	case errors.Is(err, im.ErrHandleTaken):
		return errConfirmedBefore
	case errors.Is(err, store.ErrNoInvite):
		return errInviteGone
	case err != nil:
		return err
	}
	s.Counts.SignUps.Add(1)
	return back(w, r, "/signin?note=confirmed")
}
