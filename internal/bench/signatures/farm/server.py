import json, socket, ssl, sys, threading

VERSIONS = {"1.0": ssl.TLSVersion.TLSv1, "1.1": ssl.TLSVersion.TLSv1_1, "1.2": ssl.TLSVersion.TLSv1_2, "1.3": ssl.TLSVersion.TLSv1_3}


def context(site):
    if site["Own"] == "bare":
        c = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    else:
        c = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    for cert, key in zip(site["Cert"], site["Key"]):
        c.load_cert_chain(cert, key)
    if site["Ciphers"]:
        c.set_ciphers(site["Ciphers"])
    if site["Min"]:
        c.minimum_version = VERSIONS[site["Min"]]
    if site["Max"]:
        c.maximum_version = VERSIONS[site["Max"]]
    if site["Curves"]:
        c.set_ecdh_curve(site["Curves"])
    if site["Prefer"] == "server":
        c.options |= ssl.OP_CIPHER_SERVER_PREFERENCE
    if site["Prefer"] == "client":
        c.options &= ~ssl.OP_CIPHER_SERVER_PREFERENCE
    if site["NoTickets"]:
        c.options |= ssl.OP_NO_TICKET
    if site["ALPN"]:
        c.set_alpn_protocols(site["ALPN"])
    if site["DH"]:
        c.load_dh_params(site["DH"])
    if site["Ask"]:
        c.verify_mode = ssl.CERT_OPTIONAL if site["Ask"] == "request" else ssl.CERT_REQUIRED
        c.load_verify_locations(site["CA"])
    return c


def talk(c, conn):
    conn.settimeout(20)
    try:
        with c.wrap_socket(conn, server_side=True) as s:
            while s.recv(4096):
                pass
    except OSError:
        pass
    finally:
        conn.close()


def serve(c, listener):
    while True:
        conn, _ = listener.accept()
        threading.Thread(target=talk, args=(c, conn), daemon=True).start()


def main():
    with open(sys.argv[1]) as f:
        sites = json.load(f)
    threads = []
    for site in sites:
        c = context(site)
        listener = socket.create_server((site["Address"], site["Port"]), backlog=64)
        threads.append(threading.Thread(target=serve, args=(c, listener), daemon=True))
    for t in threads:
        t.start()
    for t in threads:
        t.join()


main()
