package check

// Kinds are all kinds of findings, by id.
var Kinds = []*Kind{}
