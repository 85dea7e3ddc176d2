package msntest

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strconv"
	"strings"

	"monarch/internal/admin"
	"monarch/internal/im"
	"monarch/msnp"
)

// member sets {pid} to the number of an account as alerts write it.
func (p *Player) member(words []string) error {
	u, err := p.user(words[0])
	if err != nil {
		return err
	}
	p.names.values["pid"] = fmt.Sprintf("0x%08x:0x%08x", uint64(u.ID)>>32, uint64(u.ID)&0xFFFFFFFF)
	return nil
}

// mailbox gives an account a mailbox or takes it away: on, on https://..., off.
func (p *Player) mailbox(u im.User, words []string) error {
	service := p.next().Server.Admin()
	switch {
	case len(words) == 1 && words[0] == "off":
		return service.RemoveMailbox(p.t.Context(), u.Handle)
	case len(words) > 0 && words[0] == "on":
		return service.SetMailbox(p.t.Context(), u.Handle, strings.Join(words[1:], ""))
	}
	return errors.New("a mailbox is on or off")
}

// checkEmailEnabled checks that a profile says rightly whether its account has a mailbox.
func (p *Player) checkEmailEnabled(c *Conn, profile []byte) error {
	if p.fix == nil {
		return nil
	}
	u, err := p.user(c.Account)
	if err != nil {
		return err
	}
	want := "EmailEnabled: 1\r\n"
	if _, err := p.fix.Store.Mailbox(p.t.Context(), u.ID); errors.Is(err, im.ErrNoMailbox) {
		want = "EmailEnabled: 0\r\n"
	} else if err != nil {
		return err
	}
	if !strings.Contains(string(profile), want) {
		return fmt.Errorf("the profile does not say %q", want)
	}
	return nil
}

// mail tells what is new in a mailbox: mail alice unread=2 from=bob@example.net.
func (p *Player) mail(words []string) error {
	news, err := p.mailNews(words)
	if err != nil {
		return err
	}
	_, err = p.next().Server.Admin().Mail(p.t.Context(), news)
	return err
}

func (p *Player) mailNews(words []string) (admin.MailNews, error) {
	u, err := p.user(words[0])
	if err != nil {
		return admin.MailNews{}, err
	}
	fields := make(map[string]any)
	for name, value := range assignments(words[1:]) {
		fields[name] = value
		if n, err := strconv.Atoi(value); err == nil {
			fields[name] = n
		}
	}
	fields["to"] = u.Handle
	text, err := json.Marshal(fields)
	if err != nil {
		return admin.MailNews{}, err
	}
	var news admin.MailNews
	err = json.Unmarshal(text, &news)
	return news, err
}

// assignments reads name=value words; values are percent-encoded.
func assignments(words []string) map[string]string {
	values := make(map[string]string)
	for _, w := range words {
		name, value, _ := strings.Cut(w, "=")
		values[name] = msnp.Unescape(value)
	}
	return values
}

// alert shows an alert: alert alice text=Hello html=... url=..., and "refused" and a code if it
// is to be refused.
func (p *Player) alert(u im.User, words []string) error {
	a := assignments(words)
	err := p.next().Server.Admin().Alert(p.t.Context(), u.Handle, admin.NewAlert{Text: a["text"], HTML: a["html"], URL: a["url"]})
	code, refused := a["refused"]
	if !refused {
		return err
	}
	var problem *admin.Problem
	if !errors.As(err, &problem) || problem.Code != code {
		return fmt.Errorf("it is not refused as %s: %w", code, err)
	}
	return nil
}

// hook asks the mail hook and checks the status: hook 200 TOKEN {"to":...}. The token "-" is
// none.
func (p *Player) hook(words []string) error {
	r, err := http.NewRequestWithContext(p.t.Context(), http.MethodPost,
		"http://"+p.next().Server.Addr("ops")+admin.HookPath, strings.NewReader(strings.Join(words[2:], " ")))
	if err != nil {
		return err
	}
	if words[1] != "-" {
		r.Header.Set("Authorization", "Bearer "+words[1])
	}
	answer, err := http.DefaultClient.Do(r)
	if err != nil {
		return err
	}
	defer answer.Body.Close()
	text, err := io.ReadAll(answer.Body)
	p.log.add("", "", fmt.Sprintf("hook answers %s %s", answer.Status, text))
	if err == nil && strconv.Itoa(answer.StatusCode) != words[0] {
		err = fmt.Errorf("the hook answers %s: %s", answer.Status, text)
	}
	return err
}
