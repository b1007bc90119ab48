SELECT P.name, P.city, P.state, A.id
FROM auction A, person P
WHERE A.seller = P.id AND A.category = 10 AND (P.state = 'OR' OR P.state = 'ID' OR P.state = 'CA');
