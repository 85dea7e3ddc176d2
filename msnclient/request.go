package msnclient

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"monarch/msnp"
)

// request sends a command whose answer says nothing but that it is done.
func (c *Client) request(ctx context.Context, what string, v msnp.Verb, params ...string) error {
	if _, err := c.ask(ctx, v, params...); err != nil {
		return fmt.Errorf("%s: %w", what, err)
	}
	return nil
}

// short refuses a text that the service would hang up on.
func short(text string, limit int) (string, error) {
	e := msnp.Escape(text)
	if len(e) > limit {
		return "", ErrTooLong
	}
	return e, nil
}

// unless returns nil for one of the given error lines: what was asked for holds already.
func unless(err error, codes ...msnp.Code) error {
	var code msnp.Code
	if errors.As(err, &code) && slices.Contains(codes, code) {
		return nil
	}
	return err
}

// SetStatus changes the status, also that of the next sign-in.
func (c *Client) SetStatus(ctx context.Context, s msnp.Status) error {
	if err := checkStatus(s); err != nil {
		return fmt.Errorf("set status: %w", err)
	}
	return c.show(ctx, "set status", func(status *msnp.Status, _ **Picture) { *status = s })
}

// SetPicture changes the display picture; nil takes it away. Before MSNP9 nobody sees one.
func (c *Client) SetPicture(ctx context.Context, p *Picture) error {
	return c.show(ctx, "set picture", func(_ *msnp.Status, picture **Picture) { *picture = p })
}

// show sends CHG with a change, and keeps what it sent for the next sign-in. Changes go one
// after the other, since each repeats the rest.
func (c *Client) show(ctx context.Context, what string, change func(*msnp.Status, **Picture)) error {
	select {
	case c.showing <- struct{}{}:
		defer func() { <-c.showing }()
	case <-ctx.Done():
		return fmt.Errorf("%s: %w", what, ctx.Err())
	}
	c.mu.Lock()
	s, p := c.status, c.picture
	c.mu.Unlock()
	change(&s, &p)
	if err := c.request(ctx, what, msnp.CHG, c.chg(s, p, c.Version())...); err != nil {
		return err
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	c.status, c.picture = s, p
	return nil
}

// SetName changes the friendly name.
func (c *Client) SetName(ctx context.Context, name string) error {
	return c.Rename(ctx, c.cfg.Handle, name)
}

// Rename changes what we call somebody, or our own friendly name.
func (c *Client) Rename(ctx context.Context, handle, name string) error {
	e, err := short(name, msnp.MaxName)
	if err == nil {
		err = checkHandle(handle)
	}
	if err == nil && e == "" {
		err = msnp.CodeNameRefused
	}
	if err != nil {
		return fmt.Errorf("rename %s: %w", handle, err)
	}
	return c.request(ctx, "rename "+handle, msnp.REA, handle, e)
}

// Add puts somebody on the forward list, in a group or, with [msnp.NoGroup], in the first
// one. He is not told our name for him; "" is his handle. Who is to see us needs Allow, too.
func (c *Client) Add(ctx context.Context, handle, name string, group int) error {
	if name == "" {
		name = handle
	}
	params := []string{}
	if group != msnp.NoGroup {
		params = append(params, strconv.Itoa(group))
	}
	return c.list(ctx, msnp.ADD, "FL", handle, name, params...)
}

// list sends ADD with a name or REM without.
func (c *Client) list(ctx context.Context, v msnp.Verb, list, handle, name string, more ...string) error {
	what := strings.ToLower(string(v)) + " " + handle + " on " + list
	e, err := short(name, msnp.MaxName)
	if err == nil {
		err = checkHandle(handle)
	}
	if err != nil {
		return fmt.Errorf("%s: %w", what, err)
	}
	params := []string{list, handle}
	if v == msnp.ADD {
		params = append(params, e)
	}
	return c.request(ctx, what, v, append(params, more...)...)
}

// Remove takes somebody off the forward list and out of all groups.
func (c *Client) Remove(ctx context.Context, handle string) error {
	return c.list(ctx, msnp.REM, "FL", handle, "")
}

// Allow lets somebody see and call us: on the allow list, off the block list.
func (c *Client) Allow(ctx context.Context, handle string) error {
	return c.swap(ctx, handle, "BL", Blocked, "AL", Allowed)
}

// Block keeps somebody from seeing and calling us: on the block list, off the allow list.
func (c *Client) Block(ctx context.Context, handle string) error {
	return c.swap(ctx, handle, "AL", Allowed, "BL", Blocked)
}

// swap moves somebody from one of two opposite lists to the other.
func (c *Client) swap(ctx context.Context, handle, from string, off Lists, to string, on Lists) error {
	who, _ := c.Roster().Contact(handle)
	if who.Lists.Has(off) {
		if err := unless(c.list(ctx, msnp.REM, from, handle, ""), msnp.CodeNotListed); err != nil {
			return err
		}
	}
	if who.Lists.Has(on) {
		return nil
	}
	name := who.Stored
	if name == "" {
		name = handle
	}
	return unless(c.list(ctx, msnp.ADD, to, handle, name), msnp.CodeAlreadyThere)
}

// Unblock takes somebody off the block list. Whether he sees us then is a matter of Privacy;
// Allow does not leave it to that.
func (c *Client) Unblock(ctx context.Context, handle string) error {
	return unless(c.list(ctx, msnp.REM, "BL", handle, ""), msnp.CodeNotListed)
}

// Accept is the friendly answer to [AddedBy]: Allow, and Add if he is not on the list.
func (c *Client) Accept(ctx context.Context, handle string) error {
	if err := c.Allow(ctx, handle); err != nil {
		return err
	}
	who, _ := c.Roster().Contact(handle)
	if who.Lists.Has(Forward) {
		return nil
	}
	return unless(c.Add(ctx, handle, who.Stored, msnp.NoGroup), msnp.CodeAlreadyThere)
}

// AddGroup makes a group, or finds the one of this name.
func (c *Client) AddGroup(ctx context.Context, name string) (Group, error) {
	what := "add group"
	e, err := short(name, msnp.MaxGroupName)
	if err != nil {
		return Group{}, fmt.Errorf("%s: %w", what, err)
	}
	f, err := c.ask(ctx, msnp.ADG, e, "0")
	if err != nil {
		return Group{}, fmt.Errorf("%s: %w", what, err)
	}
	m, err := msnp.ParseGroupReply(f)
	return Group{m.Number, m.Name}, err
}

// RenameGroup gives a group another name.
func (c *Client) RenameGroup(ctx context.Context, number int, name string) error {
	e, err := short(name, msnp.MaxGroupName)
	if err != nil {
		return fmt.Errorf("rename group: %w", err)
	}
	if err := checkGroup(number); err != nil {
		return fmt.Errorf("rename group: %w", err)
	}
	return c.request(ctx, "rename group", msnp.REG, strconv.Itoa(number), e, "0")
}

// RemoveGroup removes a group. People who are in no other leave the forward list.
func (c *Client) RemoveGroup(ctx context.Context, number int) error {
	if err := checkGroup(number); err != nil {
		return fmt.Errorf("remove group: %w", err)
	}
	return c.request(ctx, "remove group", msnp.RMG, strconv.Itoa(number))
}

// checkGroup refuses a number that the service would hang up on.
func checkGroup(number int) error {
	if number < 0 || number > 29 {
		return msnp.CodeNoGroup
	}
	return nil
}

// AddToGroup puts somebody of the forward list into one more group.
func (c *Client) AddToGroup(ctx context.Context, handle string, group int) error {
	who, _ := c.Roster().Contact(handle)
	if err := checkGroup(group); err != nil {
		return fmt.Errorf("add to group: %w", err)
	}
	return c.Add(ctx, handle, who.Stored, group)
}

// RemoveFromGroup takes somebody out of a group. Out of the last one, he is off the forward
// list.
func (c *Client) RemoveFromGroup(ctx context.Context, handle string, group int) error {
	if err := checkGroup(group); err != nil {
		return fmt.Errorf("remove from group: %w", err)
	}
	return c.list(ctx, msnp.REM, "FL", handle, "", strconv.Itoa(group))
}

// Move moves somebody from one group to another, joining before leaving, so that he is on
// the forward list all the time.
func (c *Client) Move(ctx context.Context, handle string, from, to int) error {
	if from == to {
		return nil
	}
	if err := c.AddToGroup(ctx, handle, to); unless(err, msnp.CodeAlreadyThere) != nil {
		return err
	}
	return c.RemoveFromGroup(ctx, handle, from)
}

// SetPrivacy says what holds for people on neither the allow nor the block list.
func (c *Client) SetPrivacy(ctx context.Context, p Privacy) error {
	if p != AllowOthers && p != BlockOthers {
		return coded(errors.New("set privacy"), msnp.CodeInvalidParameter)
	}
	return unless(c.request(ctx, "set privacy", msnp.BLP, string(p)), msnp.CodeSameMode)
}

// SetPrompt says whether to ask the user when somebody adds him.
func (c *Client) SetPrompt(ctx context.Context, p Prompt) error {
	if p != AskWhenAdded && p != AddSilently {
		return coded(errors.New("set prompt"), msnp.CodeInvalidParameter)
	}
	return unless(c.request(ctx, "set prompt", msnp.GTC, string(p)), msnp.CodeSameMode)
}

// SetProperty sets one of our telephone numbers (PHH, PHW, PHM) or another property; ""
// clears it. docs/protocol/lists.md#prp
func (c *Client) SetProperty(ctx context.Context, typ, value string) error {
	e, err := short(value, msnp.MaxProperty)
	if err == nil && (len(typ) != 3 || msnp.Escape(typ) != typ) {
		err = msnp.CodeNotExpected
	}
	if err == nil && typ == "MOB" && value != "Y" && value != "N" {
		err = msnp.CodeInvalidParameter
	}
	if err != nil {
		return fmt.Errorf("set property: %w", err)
	}
	params := []string{typ}
	if e != "" {
		params = append(params, e)
	}
	return c.request(ctx, "set property", msnp.PRP, params...)
}

// Page asks for the address of a page, such as INBOX or PROFILE. arg is "" for most.
// docs/protocol/presence.md#url
func (c *Client) Page(ctx context.Context, kind, arg string) (msnp.PageReply, error) {
	params := []string{msnp.Escape(kind)}
	if kind == "" {
		return msnp.PageReply{}, coded(errors.New("ask for page"), msnp.CodeInvalidParameter)
	}
	if arg != "" {
		params = append(params, msnp.Escape(arg))
	}
	f, err := c.ask(ctx, msnp.URL, params...)
	if err != nil {
		return msnp.PageReply{}, fmt.Errorf("ask for page: %w", err)
	}
	return msnp.ParseURLReply(f)
}

// Ping asks the server for a sign of life.
func (c *Client) Ping(ctx context.Context) error {
	s, err := c.current()
	if err != nil {
		return err
	}
	release := s.link.gate.hold()
	defer release()
	answered := make(chan struct{})
	if err := s.ping(answered); err != nil {
		return fmt.Errorf("ping: %w", err)
	}
	select {
	case <-answered:
	case <-ctx.Done():
		return ctx.Err()
	}
	select {
	case <-s.done:
		return ErrNotConnected
	default:
		return nil
	}
}
