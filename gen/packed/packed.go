// Package packed reads what results that are kept between runs are made of: numbers as unsigned varints (those of
// encoding/binary), and text with its length in front.
package packed

import "encoding/binary"

// AppendText appends s as Text reads it.
func AppendText[S string | []byte](b []byte, s S) []byte {
	return append(binary.AppendUvarint(b, uint64(len(s))), s...)
}

// A Reader reads from the beginning of Rest on. After something that is not there it has failed: there is no rest, and it
// reads zero values. It takes any bytes, and allocates nothing.
type Reader struct {
	Rest   string
	Failed bool
}

// Fail makes r one that has failed.
func (r *Reader) Fail() { r.Rest, r.Failed = "", true }

// Take reads n bytes, a part of Rest.
func (r *Reader) Take(n int) string {
	if n > len(r.Rest) {
		r.Fail()
		return ""
	}
	s := r.Rest[:n]
	r.Rest = r.Rest[n:]
	return s
}

// Number reads a number that an int can hold.
func (r *Reader) Number() int {
	var n uint64
	for shift := 0; shift < 63; shift += 7 {
		s := r.Take(1)
		if s == "" {
			return 0
		}
		n |= uint64(s[0]&0x7f) << shift
		if s[0] < 0x80 {
			if uint64(int(n)) != n {
				break
			}
			return int(n)
		}
	}
	r.Fail()
	return 0
}

// Count reads the length of a list whose elements take a byte at least, so that it is no longer than Rest.
func (r *Reader) Count() int {
	n := r.Number()
	if n > len(r.Rest) {
		r.Fail()
		return 0
	}
	return n
}

// Text reads a text, a part of Rest.
func (r *Reader) Text() string { return r.Take(r.Number()) }
