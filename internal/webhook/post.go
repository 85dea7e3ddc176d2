package webhook

import (
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"

	"monarch/internal/store"
)

const (
	// secretPrefix begins secrets, so that people and scanners know what they are.
	secretPrefix = "whsec_"

	attemptTime = 15 * time.Second // for one attempt, the connection included
	maxAnswer   = 64 << 10         // of the answer, which is read only to use the connection again
)

// outcome says what became of an attempt. A nil error is success.
type outcome struct {
	err     error
	refused bool // for what was said: to say it again is of little use
}

// poster makes attempts.
type poster struct{ http http.Client }

func newPoster() *poster {
	return &poster{http.Client{
		Timeout: attemptTime,
		// A redirect might lead to where the operator never wanted events to go.
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
		Transport: &http.Transport{
			Proxy: http.ProxyFromEnvironment, DialContext: (&net.Dialer{Timeout: attemptTime}).DialContext,
			MaxIdleConnsPerHost: 1, IdleConnTimeout: time.Minute, TLSHandshakeTimeout: attemptTime,
		},
	}}
}

// post tells a webhook of one event, signed at a time.
func (p *poster) post(ctx context.Context, w store.Webhook, d store.Delivery, now time.Time) outcome {
	r, err := http.NewRequestWithContext(ctx, http.MethodPost, w.URL, strings.NewReader(d.Body))
	if err != nil {
		return outcome{err: err}
	}
	stamp := strconv.FormatInt(now.Unix(), 10)
	r.Header.Set("Content-Type", "application/json")
	r.Header.Set("User-Agent", "Monarch")
	r.Header.Set("Webhook-Id", d.ID)
	r.Header.Set("Webhook-Timestamp", stamp)
	r.Header.Set("Webhook-Signature", Sign(w.Secret, d.ID, stamp, d.Body))
	answer, err := p.http.Do(r)
	if err != nil {
		var u *url.Error
		if errors.As(err, &u) {
			err = u.Err // the rest repeats the address, which may hold a secret
		}
		return outcome{err: err}
	}
	_, _ = io.Copy(io.Discard, io.LimitReader(answer.Body, maxAnswer))
	answer.Body.Close()
	return judge(answer.StatusCode)
}

// judge says what a status means.
func judge(status int) outcome {
	if status/100 == 2 {
		return outcome{}
	}
	o := outcome{err: fmt.Errorf("it answered %d %s", status, http.StatusText(status))}
	switch status {
	case http.StatusRequestTimeout, http.StatusConflict, http.StatusTooEarly, http.StatusTooManyRequests:
	default:
		o.refused = status/100 == 4
	}
	return o
}

// Sign returns the signature of Standard Webhooks over what a webhook is told: "v1," and, in base64,
// HMAC-SHA256 of "id.timestamp.body" under the bytes that the secret encodes.
func Sign(secret, id, timestamp, body string) string {
	key, err := base64.StdEncoding.DecodeString(strings.TrimPrefix(secret, secretPrefix))
	if err != nil {
		key = []byte(secret) // none of ours
	}
	mac := hmac.New(sha256.New, key)
	io.WriteString(mac, id+"."+timestamp+"."+body) //nolint:errcheck // it never fails
	return "v1," + base64.StdEncoding.EncodeToString(mac.Sum(nil))
}

// checkURL refuses an address that nobody can be told at.
func checkURL(text string) error {
	u, err := url.Parse(text)
	if err != nil || u.Scheme != "https" && u.Scheme != "http" || u.Hostname() == "" || u.Fragment != "" || len(text) > 2000 {
		return fmt.Errorf("%q is no address of a webhook; give one like https://example.com/hooks/monarch", text)
	}
	return nil
}
