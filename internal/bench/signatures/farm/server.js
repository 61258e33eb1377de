const fs = require('fs'), https = require('https'), http2 = require('http2'), tls = require('tls');
for (const site of JSON.parse(fs.readFileSync(process.argv[2]))) {
  const o = { cert: site.Cert.map((f) => fs.readFileSync(f)), key: site.Key.map((f) => fs.readFileSync(f)) };
  if (site.Min) o.minVersion = 'TLSv' + site.Min.replace('1.0', '1');
  if (site.Max) o.maxVersion = 'TLSv' + site.Max.replace('1.0', '1');
  if (site.Ciphers) o.ciphers = site.Ciphers;
  if (site.Curves) o.ecdhCurve = site.Curves;
  if (site.Prefer) o.honorCipherOrder = site.Prefer === 'server';
  if (site.ALPN) o.ALPNProtocols = site.ALPN;
  if (site.Ask) Object.assign(o, { requestCert: true, rejectUnauthorized: site.Ask === 'require', ca: fs.readFileSync(site.CA) });
  if (site.DH) o.dhparam = fs.readFileSync(site.DH);
  if (site.NoTickets) o.secureOptions = require('crypto').constants.SSL_OP_NO_TICKET;
  const page = (q, r) => r.end('hello\n');
  let server;
  if (site.Own === 'tls') server = tls.createServer(o, (s) => { s.on('error', () => {}); s.resume(); });
  else if (site.Own === 'http2') server = http2.createSecureServer({ ...o, allowHTTP1: true }, page);
  else server = https.createServer(o, page);
  server.on('tlsClientError', () => {});
  server.listen(site.Port, site.Address);
}
