SELECT DISTINCT P.id, P.name, P.dateTime / 10000 * 10000 AS WINDOWSTART
FROM person P JOIN auction A ON P.id = A.seller AND P.dateTime / 10000 = A.dateTime / 10000;
