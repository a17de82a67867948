SELECT incarnation FROM log
