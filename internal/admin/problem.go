package admin

import (
	"errors"
	"fmt"
	"net/http"

	"monarch/internal/account"
	"monarch/internal/auth"
	"monarch/internal/im"
	"monarch/msnp"
)

// Problem is a refused operation: a code for programs and a sentence for people that says
// what to do. It travels as application/problem+json.
type Problem struct {
	Status int    `json:"status"` // the HTTP status
	Code   string `json:"code"`
	Detail string `json:"detail"`
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
	CodeInternal    = "internal"
)

func problem(status int, code, format string, args ...any) *Problem {
	return &Problem{Status: status, Code: code, Detail: fmt.Sprintf(format, args...)}
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
			"%q is not an address an account can have; use one like alice@example.com", email)
	case errors.Is(err, account.ErrBadName):
		return problem(http.StatusBadRequest, CodeBadNick,
			"a nick has 1 to 129 characters (%d bytes in encoded form); choose a shorter one", msnp.MaxName)
	case errors.Is(err, account.ErrPasswordControl):
		return problem(http.StatusBadRequest, CodeBadPassword,
			"a password cannot have control characters; use letters, digits and signs")
	case errors.Is(err, account.ErrBadPassword):
		return problem(http.StatusBadRequest, CodeBadPassword,
			"a password has 1 to %d bytes; old clients want at most 16", account.MaxPassword)
	case errors.Is(err, auth.ErrBusy):
		return problem(http.StatusServiceUnavailable, CodeBusy,
			"too many passwords are being checked just now; try again in a moment")
	}
	return err
}

// asProblem returns the problem an error is or, for one that is not foreseen, an internal
// problem with its text.
func asProblem(err error) *Problem {
	var p *Problem
	if errors.As(err, &p) {
		return p
	}
	return problem(http.StatusInternalServerError, CodeInternal, "%v", err)
}
