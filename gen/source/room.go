package source

// A room is the memory in which a file is parsed, encoded or decoded. The zero room is empty, and grows. It is for one
// file at a time.
type room struct {
	// Of the lists that there are many of, most are short: to make each by itself would cost more than all else.
	servers   array[Server]
	addresses array[Address]
	names     array[Name]
	addrs     array[Addr]

	out  []byte         // for what encode makes
	seen *[1 << 10]span // the texts that it has, by their hashes; nil before the first file
}

// A span is a part of the encoded form.
type span struct{ begin, end int }

// reset makes all of r free for the next file. Nothing that was taken may be in use.
func (r *room) reset() {
	r.servers.reset()
	r.addresses.reset()
	r.names.reset()
	r.addrs.reset()
}

// An array is where lists are taken from. The zero array is empty, and grows.
type array[T any] struct {
	all, free []T // the last allocation, and what of it is free
	next      int // how many items the next allocation has at least
	taken     int // items, since the beginning or reset
}

// take returns a list of n items, whose neighbours it cannot grow into. After a reset they hold anything.
func (a *array[T]) take(n int) []T {
	if n > len(a.free) {
		a.all = make([]T, max(n, a.next, 8))
		a.free = a.all
		a.next = min(2*len(a.all), 512)
	}
	a.taken += n
	items := a.free[:n:n]
	a.free = a.free[n:]
	return items
}

// maxKept is how many items a reset keeps: more are of a file that has no equal.
const maxKept = 1 << 14

// reset makes all items free. For the next file of the same size, one allocation is enough.
func (a *array[T]) reset() {
	switch {
	case a.taken > maxKept:
		*a = array[T]{}
	case a.taken > len(a.all):
		*a = array[T]{next: a.taken}
	default:
		a.free, a.taken = a.all, 0
	}
}
