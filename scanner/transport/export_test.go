package transport

// NewOverNet is New as it is on systems other than Linux.
func NewOverNet(c Config) *Net { return newNet(c, connectNet) }
