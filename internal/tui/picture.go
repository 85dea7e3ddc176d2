package tui

import (
	"bytes"
	"errors"
	"fmt"
	"image"
	"image/color"
	_ "image/gif"  // one of the forms pictures come in
	_ "image/jpeg" // likewise
	"image/png"
	"io"
	"strings"
)

// What is decoded of a picture that somebody else sends: more could fill the memory.
const (
	maxPictureBytes  = 1 << 20
	maxPicturePixels = 4 << 20
)

// ownPicture is the width and height of the display picture that clients of the time show.
const ownPicture = 96

var errPicture = errors.New("this is no PNG, JPEG or GIF picture")

// decode reads a picture if it is of a reasonable size.
func decode(data []byte) (image.Image, error) {
	if len(data) > maxPictureBytes {
		return nil, fmt.Errorf("the picture has %s; at most %s are shown", size(int64(len(data))), size(maxPictureBytes))
	}
	cfg, _, err := image.DecodeConfig(bytes.NewReader(data))
	if err != nil {
		return nil, errPicture
	}
	if cfg.Width <= 0 || cfg.Height <= 0 || cfg.Width > maxPicturePixels/cfg.Height {
		return nil, fmt.Errorf("the picture has %d by %d pixels, which is too many", cfg.Width, cfg.Height)
	}
	img, _, err := image.Decode(bytes.NewReader(data))
	if err != nil {
		return nil, errPicture
	}
	return img, nil
}

// scale returns the picture with at most so many pixels across and down, in its own
// proportions. Each pixel is the mean of those it stands for.
func scale(img image.Image, across, down int) *image.NRGBA {
	b := img.Bounds()
	w, h := b.Dx(), b.Dy()
	if w > across {
		w, h = across, max(1, h*across/w)
	}
	if h > down {
		w, h = max(1, w*down/h), down
	}
	small := image.NewNRGBA(image.Rect(0, 0, w, h))
	for y := range h {
		for x := range w {
			small.SetNRGBA(x, y, mean(img, image.Rect(
				b.Min.X+x*b.Dx()/w, b.Min.Y+y*b.Dy()/h,
				b.Min.X+(x+1)*b.Dx()/w, b.Min.Y+(y+1)*b.Dy()/h)))
		}
	}
	return small
}

// mean returns the mean colour of a part of a picture, which is not empty.
func mean(img image.Image, part image.Rectangle) color.NRGBA {
	var r, g, b, a, n uint64
	for y := part.Min.Y; y < part.Max.Y; y++ {
		for x := part.Min.X; x < part.Max.X; x++ {
			pr, pg, pb, pa := img.At(x, y).RGBA()
			r, g, b, a, n = r+uint64(pr), g+uint64(pg), b+uint64(pb), a+uint64(pa), n+1
		}
	}
	if a == 0 {
		return color.NRGBA{}
	}
	// The sums are multiplied by their alpha, so dividing by it gives the colour itself.
	const whole = 0xff
	return color.NRGBA{uint8(r * whole / a), uint8(g * whole / a), uint8(b * whole / a), uint8(a / n >> 8)}
}

// blocks draws a picture in at most so many columns and lines: a character is two pixels,
// its upper half and its lower half.
func blocks(img image.Image, columns, lines int) []string {
	small := scale(img, columns, 2*lines)
	var drawn []string
	for y := 0; y < small.Rect.Dy(); y += 2 {
		var b strings.Builder
		for x := range small.Rect.Dx() {
			lower := color.NRGBA{}
			if y+1 < small.Rect.Dy() {
				lower = small.NRGBAAt(x, y+1)
			}
			b.WriteString(block(small.NRGBAAt(x, y), lower))
		}
		drawn = append(drawn, b.String())
	}
	return drawn
}

// block draws two pixels. What is more transparent than not shows the terminal's ground.
func block(upper, lower color.NRGBA) string {
	const half = 0x80
	switch {
	case upper.A < half && lower.A < half:
		return " "
	case lower.A < half:
		return ground(38, upper) + "▀" + endStyle
	case upper.A < half:
		return ground(38, lower) + "▄" + endStyle
	}
	return ground(38, upper) + ground(48, lower) + "▀" + endStyle
}

const endStyle = "\x1b[m"

// ground sets the colour of the foreground, 38, or of the background, 48.
func ground(which int, c color.NRGBA) string {
	return fmt.Sprintf("\x1b[%d;2;%d;%d;%dm", which, c.R, c.G, c.B)
}

// asDisplayPicture returns a picture in the form that all clients of the time show: a PNG of
// 96 by 96 pixels at most.
func asDisplayPicture(data []byte) ([]byte, error) {
	img, err := decode(data)
	if err != nil {
		return nil, err
	}
	var b bytes.Buffer
	if err := png.Encode(&b, scale(img, ownPicture, ownPicture)); err != nil {
		return nil, fmt.Errorf("write the picture as PNG: %w", err)
	}
	return b.Bytes(), nil
}

// readPicture reads a file, as far as decode takes it.
func readPicture(path string) ([]byte, error) {
	f, _, err := openRegular(path)
	if err != nil {
		return nil, fmt.Errorf("open picture: %w", err)
	}
	defer f.Close()
	data, err := io.ReadAll(io.LimitReader(f, maxPictureBytes+1))
	if err != nil {
		return nil, fmt.Errorf("read picture: %w", err)
	}
	return data, nil
}
