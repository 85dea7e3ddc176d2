package admin

import (
	"errors"
	"fmt"
	"net/http"

	"monarch/internal/account"
	"monarch/internal/auth"
	"monarch/internal/im"
	"monarch/internal/store"
	"monarch/msnp"
)

// Problem is a refused operation: a code for programs and a sentence for people that says
// what to do. It travels as application/problem+json, by RFC 9457.
type Problem struct {
	Type   string `json:"type" doc:"Always about:blank: the code tells what it is." example:"about:blank"`
	Title  string `json:"title" doc:"The status in words." example:"Not Found"`
	Status int    `json:"status" doc:"The HTTP status." example:"404"`
	Detail string `json:"detail" doc:"What is wrong and what to do, for people." example:"there is no such account"`
	Code   string `json:"code" doc:"What is wrong, for programs." example:"no_account"`
	Field  string `json:"field,omitempty" doc:"The field of the body, or the parameter, that is wrong, where it is one." example:"nick"`
}

// Error returns the sentence.
func (p *Problem) Error() string { return p.Detail }

// The codes of problems.
const (
	CodeBadRequest  = "bad_request"
	CodeBadEmail    = "bad_email"
	CodeBadNick     = "bad_nick"
	CodeBadPassword = "bad_password"
	CodeEmailTaken  = "email_taken"
	CodeNoAccount   = "no_account"
	CodeNoSession   = "not_signed_in"
	CodeFileExists  = "file_exists"
	CodeTooManyKeys = "too_many_keys"
	CodeNoNode      = "no_node"
	CodeNodeSilent  = "node_silent"
	CodeBusy        = "busy"
	CodeUnavailable = "unavailable"
	CodeNoPath      = "no_path"
	CodeBadMethod   = "bad_method"
	CodeBadType     = "bad_type"
	CodeInternal    = "internal"
)

func problem(status int, code, format string, args ...any) *Problem {
	return &Problem{
		Type: "about:blank", Title: http.StatusText(status), Status: status, Detail: fmt.Sprintf(format, args...), Code: code,
	}
}

// wrong refuses what a field of a body, or a parameter, says.
func wrong(field, format string, args ...any) *Problem {
	return problem(http.StatusBadRequest, CodeBadRequest, format, args...).about(field)
}

// about names the field that is wrong.
func (p *Problem) about(field string) *Problem {
	p.Field = field
	return p
}

// explain turns what stopped an operation on the account called email into a problem, if
// it is one that the operator can do something about.
func explain(err error, email string) error {
	switch {
	case err == nil:
		return nil
	case errors.Is(err, im.ErrNoUser):
		return problem(http.StatusNotFound, CodeNoAccount,
			"there is no account %q; `monarch user list` shows those there are", email)
	case errors.Is(err, im.ErrHandleTaken):
		return problem(http.StatusConflict, CodeEmailTaken,
			"there is an account %q already; choose another address, or change its password with `monarch user passwd`", email)
	case errors.Is(err, account.ErrBadEmail):
		return problem(http.StatusBadRequest, CodeBadEmail,
			"%q is not an address an account can have; use one like alice@example.com", email).about("email")
	case errors.Is(err, account.ErrBadName):
		return problem(http.StatusBadRequest, CodeBadNick,
			"a nick has 1 to 129 characters (%d bytes in encoded form); choose another", msnp.MaxName).about("nick")
	case errors.Is(err, account.ErrPasswordControl):
		return problem(http.StatusBadRequest, CodeBadPassword,
			"a password cannot have control characters; use letters, digits and signs").about("password")
	case errors.Is(err, account.ErrBadPassword):
		return problem(http.StatusBadRequest, CodeBadPassword,
			"a password has 1 to %d bytes; old clients want at most 16", account.MaxPassword).about("password")
	case errors.Is(err, account.ErrBadReason):
		return wrong("reason", "that is %v", err)
	case errors.Is(err, account.ErrBadEnd):
		return wrong("until", "that is %v", err)
	case errors.Is(err, auth.ErrBusy):
		return problem(http.StatusServiceUnavailable, CodeBusy,
			"too many passwords are being checked just now; try again in a moment")
	}
	return err
}

// unavailable says what is wrong with the database, and what to do.
func unavailable(err error) string {
	switch {
	case errors.Is(err, store.ErrFull):
		return "the disk that the database is on is full; make room there and try again"
	case errors.Is(err, store.ErrReadOnly):
		return "the database cannot be written; see whom its files belong to and whether the disk is sound, and try again"
	case errors.Is(err, store.ErrDamaged):
		return "the database is damaged; `monarch doctor` looks at it, and `monarch restore` puts a backup in its place"
	}
	return "the database cannot be reached just now; try again in a moment"
}

// asProblem returns the problem an error is or, for one that is not foreseen, an internal
// problem with its text.
func asProblem(err error) *Problem {
	var p *Problem
	if errors.As(err, &p) {
		return p
	}
	if errors.Is(err, store.ErrUnavailable) {
		return problem(http.StatusServiceUnavailable, CodeUnavailable, "%s", unavailable(err))
	}
	return problem(http.StatusInternalServerError, CodeInternal, "%v", err)
}
