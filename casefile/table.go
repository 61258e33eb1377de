package casefile

func (c *Case) tablePath(n segmentName) string { return c.path(tableFolder, n.String()+tableSuffix) }
