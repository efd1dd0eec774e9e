package revmap

// Ready implements ready.Readiness: it reports whether every use of the plugin in the Corefile has a snapshot to serve.
// It speaks for all of them, because the ready plugin asks only one handler of each name.
func (h *handler) Ready() bool {
	for _, s := range h.instance.stores {
		if s.generation.Load() == nil {
			return false
		}
	}
	return true
}
