package cli

import (
	"context"
	"fmt"
	"strconv"

	"monarch/internal/admin"
)

// keyCmds are the commands about the keys that tickets and cookies are signed with.
type keyCmds struct {
	List   keyList   `cmd:"" help:"List the keys that tickets and cookies are signed with."`
	Rotate keyRotate `cmd:"" help:"Sign with a new key from now on. Nobody is disconnected."`
}

type keyList struct {
	JSON bool `name:"json" help:"Write JSON."`
}

// Help gives the example.
func (*keyList) Help() string { return "monarch key list" }

// Run lists the keys, without their secrets.
func (c *keyList) Run(ctx context.Context, a *app) error {
	service, done, err := a.service(ctx, mustExist)
	if err != nil {
		return err
	}
	defer done()
	keys, err := service.Keys(ctx)
	if err != nil {
		return err
	}
	if c.JSON {
		return encode(a.stdout, keys)
	}
	return a.keys(keys)
}

type keyRotate struct {
	Now  bool `help:"The old keys are worth nothing at once, with every ticket they signed: for when somebody may have read them."`
	JSON bool `name:"json" help:"Write JSON."`
}

// Help gives the example.
func (*keyRotate) Help() string { return "monarch key rotate\nmonarch key rotate --now" }

// Run makes the key.
func (c *keyRotate) Run(ctx context.Context, a *app) error {
	service, done, err := a.service(ctx, mustExist)
	if err != nil {
		return err
	}
	defer done()
	how := admin.Overlap
	if c.Now {
		how = admin.AtOnce
	}
	keys, err := service.RotateKey(ctx, how)
	if err != nil {
		return err
	}
	if c.JSON {
		return encode(a.stdout, keys)
	}
	switch {
	case c.Now:
		fmt.Fprintf(a.stdout, "Key %d signs from now on. The others are deleted. Whoever was signing in or opening a\n"+
			"conversation just now has to do it again; pages that clients open ask to sign in again.\n\n", keys[0].ID)
	default:
		fmt.Fprintf(a.stdout, "Key %d signs from now on. The others accept what they signed until it has expired, and\n"+
			"are deleted then; nobody notices.\n\n", keys[0].ID)
	}
	return a.keys(keys)
}

// keys writes a table of keys.
func (a *app) keys(keys []admin.Key) error {
	rows := make([][]string, len(keys))
	for i, k := range keys {
		state := "signs"
		if k.Retires != nil {
			state = "accepted until " + when(*k.Retires)
		}
		rows[i] = []string{strconv.Itoa(k.ID), when(k.Created), state}
	}
	return table(a.stdout, []string{"KEY", "CREATED", "STATE"}, rows)
}
