// Package tui is the messenger that runs in a terminal: what is on the screen, what keys do,
// and what becomes of the events of a [msnclient.Client]. How a client talks to servers
// belongs to msnclient; where the servers are, to the caller.
package tui

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	tea "charm.land/bubbletea/v2"

	"monarch/msnclient"
)

// Config says whom to sign in, and where.
type Config struct {
	// Client is how to sign in. If it has no password, the person is asked for it.
	Client msnclient.Config

	// Where names the server for people.
	Where string

	// Downloads is the directory that files are saved in unless the person says another.
	Downloads string
}

// Run shows the messenger on the terminal until the person leaves it or ctx ends.
func Run(ctx context.Context, cfg Config) error {
	ctx, stop := context.WithCancel(ctx)
	var running sync.WaitGroup
	m := newModel(cfg, func(limit time.Duration, do func(context.Context) tea.Msg) tea.Cmd {
		return func() tea.Msg {
			running.Add(1)
			defer running.Done()
			ctx, cancel := context.WithTimeout(ctx, limit)
			defer cancel()
			return do(ctx)
		}
	})
	_, err := tea.NewProgram(m, tea.WithContext(ctx)).Run()
	stop()
	if m.client != nil {
		err = errors.Join(err, m.client.Close())
	}
	running.Wait()
	if errors.Is(err, context.Canceled) || errors.Is(err, tea.ErrInterrupted) {
		return nil
	}
	if err != nil {
		return fmt.Errorf("run the messenger: %w", err)
	}
	return nil
}

// worker makes a command of work that takes a while, which ends after limit or when the
// program does.
type worker func(limit time.Duration, do func(ctx context.Context) tea.Msg) tea.Cmd

// How long the servers and other people may take.
const (
	signInTime   = 2 * time.Minute
	requestTime  = 30 * time.Second
	callTime     = 2 * time.Minute // somebody is called and joins, or does not
	transferTime = 24 * time.Hour
)
