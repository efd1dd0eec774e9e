package fastpath

// presentation appends a name of a packet in presentation format, and reports whether it could do so without escapes.
func presentation(dst, name []byte) ([]byte, bool) {
	for name[0] != 0 {
		label := name[1 : 1+int(name[0])]
		for _, c := range label {
			if c <= ' ' || c > '~' || c == '.' || c == '\\' {
				return nil, false
			}
		}
		dst = append(append(dst, label...), '.')
		name = name[1+len(label):]
	}
	return dst, len(dst) > 0
}
