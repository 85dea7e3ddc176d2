// Package plots draws what measurements found, as SVG. It draws what it is given and measures
// nothing; numbers to be read come from the reports themselves, in package figures.
package plots

import (
	"bytes"
	"errors"
	"fmt"
	"image/color"
	"io"
	"math"
	"strconv"

	"gonum.org/v1/plot"
	"gonum.org/v1/plot/font"
	"gonum.org/v1/plot/vg"
	"gonum.org/v1/plot/vg/draw"
	"gonum.org/v1/plot/vg/vgsvg"
)

// ErrNothing is the error for reports that hold nothing of what is to be drawn.
var ErrNothing = errors.New("nothing to draw in these reports")

const (
	width  vg.Length = 640
	height vg.Length = 360
	margin vg.Length = 12
)

var (
	ink   = color.Gray{0x22}
	faint = color.Gray{0xdd}

	// colours can be told apart by everybody, on white, in this order.
	colours = []color.Color{
		color.RGBA{0x00, 0x72, 0xb2, 0xff}, // blue
		color.RGBA{0xd5, 0x5e, 0x00, 0xff}, // vermilion
		color.RGBA{0x00, 0x9e, 0x73, 0xff}, // green
		color.RGBA{0xcc, 0x79, 0xa7, 0xff}, // purple
		color.RGBA{0xe6, 0x9f, 0x00, 0xff}, // orange
		color.RGBA{0x56, 0xb4, 0xe9, 0xff}, // sky
		color.RGBA{0x66, 0x66, 0x66, 0xff}, // grey
	}
)

// colour returns the colour of the nth of what is drawn.
func colour(n int) color.Color {
	return colours[n%len(colours)]
}

// blank returns a plot with nothing in it.
func blank(title, x, y string) *plot.Plot {
	p := plot.New()
	p.BackgroundColor = nil // write has one that reaches to the edges
	p.Title.Text, p.X.Label.Text, p.Y.Label.Text = title, x, y
	p.Title.Padding = margin
	sans := font.Font{Typeface: "Liberation", Variant: "Sans"}
	p.Title.TextStyle.Font, p.Title.TextStyle.Color = font.From(sans, 15), ink
	p.Legend.TextStyle.Font, p.Legend.TextStyle.Color = font.From(sans, 12), ink
	for _, a := range []*plot.Axis{&p.X, &p.Y} {
		a.Label.TextStyle.Font, a.Label.TextStyle.Color = font.From(sans, 12), ink
		a.Tick.Label.Font, a.Tick.Label.Color = font.From(sans, 11), ink
		a.Color, a.Tick.Color = ink, ink
		a.Label.Padding = margin / 2
		a.Tick.Marker = plot.TickerFunc(round)
	}
	p.Legend.Top = true
	p.Legend.Padding = margin / 4
	p.Legend.ThumbnailWidth = 2 * margin
	return p
}

// round puts four to ten ticks at round values.
func round(low, high float64) []plot.Tick {
	step := math.Pow(10, math.Floor(math.Log10((high-low)/4)))
	for _, more := range []float64{5, 2} {
		if step*more <= (high-low)/4 {
			step *= more
			break
		}
	}
	digits := max(0, -int(math.Floor(math.Log10(step))))
	var ticks []plot.Tick
	for i := math.Ceil(low / step); i*step <= high; i++ {
		ticks = append(ticks, plot.Tick{Value: i * step, Label: strconv.FormatFloat(i*step, 'f', digits, 64)})
	}
	return ticks
}

// write draws a plot as SVG, on a background of its own, so that it can be read wherever it is
// shown.
func write(w io.Writer, p *plot.Plot, height vg.Length) error {
	c := vgsvg.New(width, height)
	d := draw.New(c)
	d.SetColor(color.White)
	d.Fill(d.Path())
	p.Draw(draw.Crop(d, margin, -margin, margin, -margin))
	var b bytes.Buffer
	if _, err := c.WriteTo(&b); err != nil {
		return fmt.Errorf("draw: %w", err)
	}
	// Few have the font that the texts were measured with, but nearly everybody has one of its
	// measures.
	text := bytes.ReplaceAll(b.Bytes(), []byte("font-family:Liberation Sans;"),
		[]byte("font-family:Liberation Sans,Arial,Helvetica,sans-serif;"))
	if _, err := w.Write(text); err != nil {
		return fmt.Errorf("draw: %w", err)
	}
	return nil
}
