// Package cache keeps results between runs, by the content that they were made from.
package cache

// A Cache is a folder of results. A nil *Cache is legal and holds nothing. It is safe for concurrent use, by several
// processes too.
type Cache struct{}
