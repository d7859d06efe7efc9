import java.io.IOException;
import org.codelibs.opensearch.runner.OpenSearchRunner;

/**
 * One OpenSearch node on loopback: {@code Node PORT FOLDER [PLUGIN_CLASS]}.
 *
 * <p>Says "listening" on a line of its own when it can be asked, and stops cleanly at a signal or when its
 * standard input ends, so that it never outlives the process that started it.
 */
public final class Node {
    public static void main(String[] args) throws Exception {
        String port = args[0];
        OpenSearchRunner runner = new OpenSearchRunner();
        runner.setMaxHttpPort(-1); // Otherwise the runner moves to another port than the one asked for.
        runner.onBuild((number, settings) -> settings
            .put("discovery.type", "single-node")
            .put("network.host", "127.0.0.1")
            .put("http.port", port)
            .put("action.auto_create_index", false) // A misspelled index name shall fail, as it does in production.
            .put("cluster.routing.allocation.disk.threshold_enabled", false)); // A full laptop shall not block writes.
        Runtime.getRuntime().addShutdownHook(new Thread(() -> close(runner)));

        OpenSearchRunner.Configs configs = OpenSearchRunner.newConfigs()
            .basePath(args[1]).numOfNode(1).clusterName("candor").disableESLogger();
        if (args.length > 2) {
            configs.pluginTypes(args[2]);
        }
        runner.build(configs);
        runner.ensureYellow();
        System.out.println("listening");
        while (System.in.read() >= 0) {
            // Nothing is ever said to the node; only the end of its input matters.
        }
        System.exit(0);
    }

    private static void close(OpenSearchRunner runner) {
        try {
            runner.close();
        } catch (IOException e) {
            System.err.println("could not close: " + e);
        }
    }

    private Node() {}
}
