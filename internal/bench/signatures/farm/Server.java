import java.io.FileInputStream;
import java.net.InetAddress;
import java.net.Socket;
import java.nio.file.Files;
import java.nio.file.Path;
import java.security.KeyStore;
import javax.net.ssl.KeyManagerFactory;
import javax.net.ssl.SSLContext;
import javax.net.ssl.SSLParameters;
import javax.net.ssl.SSLServerSocket;

public class Server {
    public static void main(String[] args) throws Exception {
        for (String line : Files.readAllLines(Path.of(args[0]))) {
            SSLServerSocket listener = open(line.split("\t", -1));
            new Thread(() -> serve(listener)).start();
        }
    }

    static SSLServerSocket open(String[] f) throws Exception {
        char[] password = "farm".toCharArray();
        KeyStore store = KeyStore.getInstance("PKCS12");
        try (FileInputStream in = new FileInputStream(f[2])) {
            store.load(in, password);
        }
        KeyManagerFactory keys = KeyManagerFactory.getInstance(KeyManagerFactory.getDefaultAlgorithm());
        keys.init(store, password);
        SSLContext context = SSLContext.getInstance("TLS");
        context.init(keys.getKeyManagers(), null, null);
        SSLServerSocket s = (SSLServerSocket) context.getServerSocketFactory()
            .createServerSocket(Integer.parseInt(f[1]), 50, InetAddress.getByName(f[0]));
        if (!f[3].isEmpty()) s.setEnabledProtocols(f[3].split(","));
        if (!f[4].isEmpty()) s.setEnabledCipherSuites(f[4].split(","));
        SSLParameters p = s.getSSLParameters();
        if (!f[5].isEmpty()) p.setApplicationProtocols(f[5].split(","));
        if (f[6].equals("request")) p.setWantClientAuth(true);
        if (f[6].equals("require")) p.setNeedClientAuth(true);
        if (!f[7].isEmpty()) p.setUseCipherSuitesOrder(f[7].equals("server"));
        s.setSSLParameters(p);
        return s;
    }

    static void serve(SSLServerSocket listener) {
        while (true) {
            try {
                Socket c = listener.accept();
                Thread t = new Thread(() -> talk(c));
                t.setDaemon(true);
                t.start();
            } catch (Exception e) {
                System.err.println(e);
            }
        }
    }

    static void talk(Socket c) {
        try (c) {
            c.setSoTimeout(20000);
            byte[] b = new byte[4096];
            while (c.getInputStream().read(b) >= 0) { }
        } catch (Exception e) {
            // what a client does wrong is what this server is for
        }
    }
}
