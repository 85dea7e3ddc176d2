package admin

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"strconv"
)

// Client does what [Service] does, in this process or in the one that serves a data
// directory.
type Client struct {
	http    http.Client
	running bool
}

// Dial returns a client of the server that runs on the data directory dir. If there is
// none, the error is [ErrNotRunning].
func Dial(ctx context.Context, dir string) (*Client, error) {
	conn, err := dial(ctx, dir)
	if err != nil {
		return nil, err
	}
	_ = conn.Close() // it only showed that somebody answers
	t := &http.Transport{DialContext: func(ctx context.Context, _, _ string) (net.Conn, error) {
		return dial(ctx, dir)
	}}
	return &Client{http: http.Client{Transport: t}, running: true}, nil
}

// Local returns a client of s in this process, for when no server runs.
func Local(s *Service) *Client {
	return &Client{http: http.Client{Transport: inProcess{s.Handler()}}}
}

// Running reports whether there is a server that changes take effect in at once.
func (c *Client) Running() bool { return c.running }

// Close releases the connection to the server.
func (c *Client) Close() { c.http.CloseIdleConnections() }

// Accounts is [Service.Accounts].
func (c *Client) Accounts(ctx context.Context, after string, limit int) (accounts []Account, err error) {
	q := url.Values{"after": {after}, "limit": {strconv.Itoa(limit)}}
	return accounts, c.call(ctx, http.MethodGet, pathUsers+"?"+q.Encode(), nil, &accounts)
}

// Account is [Service.Account].
func (c *Client) Account(ctx context.Context, email string) (d Details, err error) {
	return d, c.call(ctx, http.MethodGet, userPath(email), nil, &d)
}

// Contacts is [Service.Contacts].
func (c *Client) Contacts(ctx context.Context, email string) (contacts []Contact, err error) {
	return contacts, c.call(ctx, http.MethodGet, userPath(email)+"/contacts", nil, &contacts)
}

// AddAccount is [Service.AddAccount].
func (c *Client) AddAccount(ctx context.Context, a NewAccount) (made Account, err error) {
	return made, c.call(ctx, http.MethodPost, pathUsers, a, &made)
}

// SetPassword is [Service.SetPassword].
func (c *Client) SetPassword(ctx context.Context, email, password string) error {
	return c.call(ctx, http.MethodPatch, userPath(email), change{Password: &password}, nil)
}

// SetDisabled is [Service.SetDisabled].
func (c *Client) SetDisabled(ctx context.Context, email string, disabled bool) error {
	return c.call(ctx, http.MethodPatch, userPath(email), change{Disabled: &disabled}, nil)
}

// Rename is [Service.Rename].
func (c *Client) Rename(ctx context.Context, email, nick string) error {
	return c.call(ctx, http.MethodPatch, userPath(email), change{Nick: &nick}, nil)
}

// DeleteAccount is [Service.DeleteAccount].
func (c *Client) DeleteAccount(ctx context.Context, email string) error {
	return c.call(ctx, http.MethodDelete, userPath(email), nil, nil)
}

// Sessions is [Service.Sessions].
func (c *Client) Sessions(ctx context.Context) (sessions []Session, err error) {
	return sessions, c.call(ctx, http.MethodGet, pathSessions, nil, &sessions)
}

// Kick is [Service.Kick].
func (c *Client) Kick(ctx context.Context, email string) error {
	return c.call(ctx, http.MethodDelete, pathSessions+"/"+url.PathEscape(email), nil, nil)
}

// Notify is [Service.Notify].
func (c *Client) Notify(ctx context.Context, minutes int) (int, error) {
	var t told
	err := c.call(ctx, http.MethodPost, pathNotices, notice{Minutes: minutes}, &t)
	return t.Sessions, err
}

// Backup is [Service.Backup]: it is the server that writes the file.
func (c *Client) Backup(ctx context.Context, path string) error {
	return c.call(ctx, http.MethodPost, pathBackups, backup{Path: path}, nil)
}

func userPath(email string) string { return pathUsers + "/" + url.PathEscape(email) }

// call sends a request with the JSON of in, unless nil, and decodes the answer into out,
// unless nil. A refusal comes back as a *[Problem].
func (c *Client) call(ctx context.Context, method, path string, in, out any) error {
	var body io.Reader
	if in != nil {
		text, err := json.Marshal(in)
		if err != nil {
			return fmt.Errorf("encode request: %w", err)
		}
		body = bytes.NewReader(text)
	}
	r, err := http.NewRequestWithContext(ctx, method, "http://monarch"+path, body)
	if err != nil {
		return fmt.Errorf("make request: %w", err)
	}
	answer, err := c.http.Do(r)
	if err != nil {
		return fmt.Errorf("ask the running server: %w", err)
	}
	defer answer.Body.Close()
	d := json.NewDecoder(answer.Body)
	if answer.StatusCode >= http.StatusBadRequest {
		p := new(Problem)
		if err := d.Decode(p); err != nil || p.Code == "" {
			return errors.New("the running server answered " + answer.Status + "; is it of the same version as this command?")
		}
		if err := ctx.Err(); err != nil && p.Code == CodeInternal {
			return fmt.Errorf("%w: %w", err, p)
		}
		return p
	}
	if out == nil {
		return nil
	}
	if err := d.Decode(out); err != nil {
		return fmt.Errorf("read answer of the running server: %w", err)
	}
	return nil
}

// inProcess carries requests to a handler without a connection.
type inProcess struct{ handler http.Handler }

// RoundTrip calls the handler and returns what it wrote.
func (t inProcess) RoundTrip(r *http.Request) (*http.Response, error) {
	w := &answer{header: make(http.Header), status: http.StatusOK}
	served := r.Clone(r.Context())
	if served.Body == nil {
		served.Body = http.NoBody
	}
	t.handler.ServeHTTP(w, served)
	return &http.Response{
		StatusCode: w.status, Status: http.StatusText(w.status),
		Proto: "HTTP/1.1", ProtoMajor: 1, ProtoMinor: 1,
		Header: w.header, Body: io.NopCloser(&w.body), ContentLength: int64(w.body.Len()), Request: r,
	}, nil
}

// answer collects what a handler writes.
type answer struct {
	header http.Header
	status int
	body   bytes.Buffer
}

func (w *answer) Header() http.Header         { return w.header }
func (w *answer) WriteHeader(status int)      { w.status = status }
func (w *answer) Write(b []byte) (int, error) { return w.body.Write(b) }
