import java.math.BigDecimal;
import java.sql.Connection;
import java.sql.DatabaseMetaData;
import java.sql.DriverManager;
import java.sql.PreparedStatement;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.sql.Statement;
import java.util.ArrayList;
import java.util.List;

/** The JDBC driver at the Postgres port: metadata, prepared statements, a batch, an error. */
public final class Metadata {
    public static void main(String[] args) throws SQLException {
        try (Connection connection = DriverManager.getConnection(args[0])) {
            make(connection);
            metadata(connection.getMetaData());
            prepared(connection);
            error(connection);
        }
    }

    private static void make(Connection connection) throws SQLException {
        try (Statement statement = connection.createStatement()) {
            statement.execute("CREATE TABLE items (id BIGINT PRIMARY KEY, name STRING,"
                + " price DECIMAL(10, 2))"
                + " WITH (KAFKA_TOPIC='items', PARTITIONS=1, VALUE_FORMAT='JSON')");
            statement.execute("CREATE STREAM events (id BIGINT KEY, name STRING,"
                + " price DECIMAL(10, 2))"
                + " WITH (KAFKA_TOPIC='events', PARTITIONS=1, VALUE_FORMAT='JSON')");
        }
    }

    private static void metadata(DatabaseMetaData metadata) throws SQLException {
        check(column(metadata.getSchemas(), "TABLE_SCHEM").contains("public"), true);
        String[] types = {"TABLE"};
        List<String> tables = column(metadata.getTables(null, "public", "%", types), "TABLE_NAME");
        check(tables.contains("items") && tables.contains("events"), true);
        check(column(metadata.getColumns(null, "public", "items", "%"), "COLUMN_NAME"),
            List.of("id", "name", "price"));
        check(column(metadata.getColumns(null, "public", "items", "%"), "TYPE_NAME"),
            List.of("int8", "text", "numeric"));
        check(column(metadata.getPrimaryKeys(null, "public", "items"), "COLUMN_NAME"),
            List.of("id"));
        check(column(metadata.getIndexInfo(null, "public", "items", true, false), "INDEX_NAME"),
            List.of("items_pkey"));
        check(column(metadata.getImportedKeys(null, "public", "items"), "FKCOLUMN_NAME"),
            List.of());
        check(column(metadata.getTypeInfo(), "TYPE_NAME").contains("numeric"), true);
    }

    private static void prepared(Connection connection) throws SQLException {
        connection.setAutoCommit(false);
        String insert = "INSERT INTO events (id, name, price) VALUES (?, ?, ?)";
        try (PreparedStatement statement = connection.prepareStatement(insert)) {
            for (long id = 1; id <= 3; id++) {
                statement.setLong(1, id);
                statement.setString(2, "event " + id);
                statement.setBigDecimal(3, new BigDecimal("1.25"));
                statement.addBatch();
            }
            statement.executeBatch();
        }
        connection.commit();
        connection.setAutoCommit(true);
        String select = "SELECT name, price FROM events WHERE id > ? ORDER BY id";
        try (PreparedStatement statement = connection.prepareStatement(select)) {
            // Beyond five executions the driver keeps the statement on the server, in binary.
            for (int turn = 0; turn < 7; turn++) {
                statement.setLong(1, 2);
                try (ResultSet rows = statement.executeQuery()) {
                    check(rows.next(), true);
                    check(rows.getString(1), "event 3");
                    check(rows.getBigDecimal(2), new BigDecimal("1.25"));
                    check(rows.next(), false);
                }
            }
        }
    }

    private static void error(Connection connection) throws SQLException {
        try (Statement statement = connection.createStatement()) {
            statement.executeQuery("SELECT * FROM nowhere");
            throw new IllegalStateException("an unknown table was accepted");
        } catch (SQLException error) {
            check(error.getSQLState(), "42P01");
        }
    }

    private static List<String> column(ResultSet rows, String name) throws SQLException {
        List<String> values = new ArrayList<>();
        while (rows.next()) {
            values.add(rows.getString(name));
        }
        rows.close();
        return values;
    }

    private static void check(Object found, Object expected) {
        if (!found.equals(expected)) {
            throw new IllegalStateException("expected " + expected + ", found " + found);
        }
    }
}
