-- Version 2 of the schema `scrapline`: how strange an item was to its model.

ALTER TABLE scrapline.items ADD COLUMN energy double precision;
