module example.org/you/service

go 1.23
