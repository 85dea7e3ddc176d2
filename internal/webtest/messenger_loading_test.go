package webtest

import (
	"context"
	"testing"

	"github.com/chromedp/cdproto/cdp"
	"github.com/chromedp/cdproto/network"
	"github.com/chromedp/chromedp"
)

// Whoever gets the page but not all of its scripts is told so, and loads it again.
func TestScriptsThatDoNotCome(t *testing.T) {
	w := newWorld(t)
	p := w.sit(chromium(t))
	p.signIn("alice", "/account")
	block := func(patterns ...*network.BlockPattern) {
		p.do("have scripts not come", chromedp.Func(func(ctx context.Context, c *chromedp.Target) error {
			_, err := cdp.Call(ctx, c, network.SetBlockedURLs, network.SetBlockedURLsParams{URLPatterns: patterns})
			return err
		}))
	}
	block(&network.BlockPattern{URLPattern: "*://*:*/*/js/msnp/p2p.js", Block: true})
	p.visit("/messenger")
	p.until("it is told", `document.getElementById("state-text").textContent === "The messenger could not be loaded."`)
	block()
	p.do("try again", chromedp.Click(chromedp.CSS("#state-button")))
	p.online()
}
