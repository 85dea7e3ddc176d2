package bot

import (
	"bytes"
	"fmt"
	"image"
	"image/color"
	"image/draw"
	"image/png"
	"math"
)

// The picture is drawn larger than it is shown and then made small, which smooths its edges.
const (
	side  = 96 // pixels, as MSN Messenger shows
	scale = 4
)

// Picture draws the bot: a butterfly of our own, as a PNG of 96 by 96 pixels.
func Picture() ([]byte, error) {
	big := image.NewRGBA(image.Rect(0, 0, side*scale, side*scale))
	sky(big)
	for _, m := range []float64{-1, 1} { // left and right
		wing(big, m)
	}
	for _, e := range []ellipse{
		{48, 30, 3.4, 3.6, 0}, // head
		{48, 43, 3.1, 11, 0},
		{48, 62, 2.5, 15, 0},
	} {
		fill(big, e, color.RGBA{0x2A, 0x1A, 0x12, 0xFF})
	}
	for _, m := range []float64{-1, 1} {
		feeler(big, m)
	}
	var out bytes.Buffer
	enc := png.Encoder{CompressionLevel: png.BestCompression}
	if err := enc.Encode(&out, shrink(big)); err != nil {
		return nil, fmt.Errorf("encode picture: %w", err)
	}
	return out.Bytes(), nil
}

// sky paints the ground of the picture.
func sky(dst *image.RGBA) {
	b := dst.Bounds()
	for y := b.Min.Y; y < b.Max.Y; y++ {
		f := float64(y) / float64(b.Dy())
		c := color.RGBA{uint8(0xBF + 0x30*f), uint8(0xE3 + 0x18*f), 0xFF, 0xFF}
		draw.Draw(dst, image.Rect(b.Min.X, y, b.Max.X, y+1), image.NewUniform(c), image.Point{}, draw.Src)
	}
}

// wing paints the two wings of a side: dark edges, orange cells, white spots. m mirrors.
func wing(dst *image.RGBA, m float64) {
	dark, orange := color.RGBA{0x24, 0x14, 0x10, 0xFF}, color.RGBA{0xF2, 0x83, 0x1C, 0xFF}
	amber, white := color.RGBA{0xFD, 0xB4, 0x3C, 0xFF}, color.RGBA{0xFF, 0xF8, 0xEC, 0xFF}
	at := func(x, y, a, b, turn float64) ellipse { return ellipse{48 + m*x, y, a, b, m * turn} }
	for _, p := range []struct {
		e ellipse
		c color.RGBA
	}{
		{at(19, 65, 14, 18, -0.55), dark},
		{at(18, 63, 10.5, 14, -0.55), orange},
		{at(15, 59, 6, 8, -0.55), amber},
		{at(23, 35, 26, 16, -0.62), dark},
		{at(21, 36.5, 21, 12, -0.62), orange},
		{at(15, 40, 11, 7, -0.62), amber},
		{at(26, 29, 15, 1.1, -0.80), dark}, // veins
		{at(24, 40, 17, 1.0, -0.38), dark},
		{at(19, 64, 12, 0.9, 0.95), dark},
		{at(40, 20, 1.7, 1.7, 0), white},
		{at(42.5, 25, 1.5, 1.5, 0), white},
		{at(42.5, 30.5, 1.3, 1.3, 0), white},
		{at(27.5, 74, 1.5, 1.5, 0), white},
		{at(23, 79, 1.4, 1.4, 0), white},
		{at(30.5, 68, 1.3, 1.3, 0), white},
	} {
		fill(dst, p.e, p.c)
	}
}

// feeler paints one of the two, as a row of dots.
func feeler(dst *image.RGBA, m float64) {
	c := color.RGBA{0x2A, 0x1A, 0x12, 0xFF}
	for i := range 60 {
		f := float64(i) / 59
		fill(dst, ellipse{48 + m*(1.5+9*f*f), 28 - 15*f, 0.7, 0.7, 0}, c)
	}
	fill(dst, ellipse{48 + m*10.5, 12.5, 1.7, 1.7, 0}, c)
}

// ellipse is one in units of the small picture: middle, half axes, and its turn in radians.
// As an image it is opaque inside, so that it serves as a mask.
type ellipse struct{ x, y, a, b, turn float64 }

// ColorModel says that only opacity counts.
func (e ellipse) ColorModel() color.Model { return color.AlphaModel }

// Bounds is a square the ellipse fits into.
func (e ellipse) Bounds() image.Rectangle {
	r := max(e.a, e.b) + 1
	return image.Rect(int((e.x-r)*scale), int((e.y-r)*scale), int((e.x+r)*scale)+1, int((e.y+r)*scale)+1)
}

// At is opaque inside.
func (e ellipse) At(x, y int) color.Color {
	dx, dy := (float64(x)+0.5)/scale-e.x, (float64(y)+0.5)/scale-e.y
	sin, cos := math.Sincos(e.turn)
	u, v := (dx*cos+dy*sin)/e.a, (dy*cos-dx*sin)/e.b
	if u*u+v*v <= 1 {
		return color.Alpha{0xFF}
	}
	return color.Alpha{}
}

func fill(dst draw.Image, e ellipse, c color.Color) {
	b := e.Bounds()
	draw.DrawMask(dst, b, image.NewUniform(c), image.Point{}, e, b.Min, draw.Over)
}

// shrink averages squares of pixels.
func shrink(src *image.RGBA) *image.RGBA {
	dst := image.NewRGBA(image.Rect(0, 0, side, side))
	for y := range side {
		for x := range side {
			var r, g, b int
			for i := range scale * scale {
				c := src.RGBAAt(x*scale+i%scale, y*scale+i/scale)
				r, g, b = r+int(c.R), g+int(c.G), b+int(c.B)
			}
			const n = scale * scale
			dst.SetRGBA(x, y, color.RGBA{uint8(r / n), uint8(g / n), uint8(b / n), 0xFF})
		}
	}
	return dst
}
