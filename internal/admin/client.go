package admin

import (
	"bytes"
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"
)

// Client does what [Service] does, in this process or in the one that serves a data
// directory.
type Client struct {
	http    http.Client
	running bool
	base    string // of addresses; "": the connection leads there
	token   string
}

// Remote returns a client of the service at an address such as https://im.example.com, for whoever has
// a token. It does not look whether anybody answers there.
func Remote(base, token string) (*Client, error) {
	u, err := url.Parse(base)
	if err != nil || u.Scheme != "http" && u.Scheme != "https" || u.Host == "" || strings.Trim(u.Path, "/") != "" {
		return nil, fmt.Errorf("%q is not the address of a service; write it like https://im.example.com or http://127.0.0.1:9090", base)
	}
	return &Client{
		// A token is for the one it was given for: it does not follow where others lead.
		http: http.Client{
			Timeout:       5 * time.Minute,
			CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
		},
		running: true, base: u.Scheme + "://" + u.Host, token: token,
	}, nil
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

// each returns everything of a list.
func each[T any](ctx context.Context, c *Client, path string) ([]T, error) {
	all, err := roundup[T](ctx, c, path)
	return all.Items, err
}

// roundup returns everything of a list, and which nodes did not answer to some part of it.
func roundup[T any](ctx context.Context, c *Client, path string) (Roundup[T], error) {
	all := Roundup[T]{List: List[T]{Items: []T{}}}
	for q := (url.Values{"limit": {strconv.Itoa(maxPage)}}); ; {
		l, err := ask[Roundup[T]](ctx, c, http.MethodGet, path+"?"+q.Encode(), nil)
		if err != nil {
			return Roundup[T]{}, err
		}
		all.Items, all.Unheard = append(all.Items, l.Items...), append(all.Unheard, l.Unheard...)
		if l.Next == "" {
			slices.Sort(all.Unheard)
			all.Unheard = slices.Compact(all.Unheard)
			return all, nil
		}
		q.Set("after", l.Next)
	}
}

// ask is call for an answer of a type.
func ask[T any](ctx context.Context, c *Client, method, path string, in any) (T, error) {
	var out T
	err := c.call(ctx, method, path, in, &out)
	return out, err
}

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
	r, err := http.NewRequestWithContext(ctx, method, cmp.Or(c.base, "http://monarch")+path, body)
	if err != nil {
		return fmt.Errorf("make request: %w", err)
	}
	if c.token != "" {
		r.Header.Set("Authorization", "Bearer "+c.token)
	}
	if in != nil {
		r.Header.Set("Content-Type", "application/json")
	}
	answer, err := c.http.Do(r)
	if err != nil {
		return c.unreached(err)
	}
	defer answer.Body.Close()
	d := json.NewDecoder(answer.Body)
	if answer.StatusCode >= http.StatusMultipleChoices {
		p := new(Problem)
		if err := d.Decode(p); err != nil || p.Code == "" {
			return c.misunderstood(answer.Status)
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

// whose says which address is one of a service's.
const whose = "The address is that of the service's website, or of its ops.listen"

// unreached says that nobody has answered.
func (c *Client) unreached(err error) error {
	if c.base == "" {
		return fmt.Errorf("ask the running server: %w", err)
	}
	var tried *url.Error // which names the address again
	if errors.As(err, &tried) {
		err = tried.Err
	}
	return fmt.Errorf("%s does not answer: %w\n%s; see that it is right, and that a server runs there", c.base, err, whose)
}

// misunderstood says that somebody has answered as no management interface does.
func (c *Client) misunderstood(status string) error {
	if c.base == "" {
		return errors.New("the running server answered " + status + "; is it of the same version as this command?")
	}
	return fmt.Errorf("%s answers %s, and not as a service does that can be managed\n"+
		"%s; see that it is right, and of the same version as this command", c.base, status, whose)
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
