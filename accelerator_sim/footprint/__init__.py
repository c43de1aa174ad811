"""What joules come to: kilowatt hours, carbon and cost of a year, and sending the input away instead."""
