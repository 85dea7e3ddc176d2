-- MariaDB dump 10.19-11.4.5-MariaDB, for debian-linux-gnu (x86_64)
--
-- Host: localhost    Database: r2m
-- ------------------------------------------------------
/*!40101 SET @OLD_CHARACTER_SET_CLIENT=@@CHARACTER_SET_CLIENT */;
/*!40101 SET NAMES utf8mb4 */;

DROP TABLE IF EXISTS `codes`;
CREATE TABLE `codes` (
  `id` int(11) NOT NULL AUTO_INCREMENT,
  `code` varchar(100) NOT NULL,
  PRIMARY KEY (`id`)
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_uca1400_ai_ci;
INSERT INTO `codes` VALUES
(1,'it''s; a (code');

DROP TABLE IF EXISTS `contacts`;
CREATE TABLE `contacts` (
  `id` int(11) NOT NULL AUTO_INCREMENT,
  `user_id` int(11) NOT NULL,
  `contact_id` int(11) NOT NULL,
  `display_name` varchar(150) NOT NULL,
  `in_forward_list` tinyint(1) NOT NULL DEFAULT 0,
  `in_allow_list` tinyint(1) NOT NULL DEFAULT 1,
  `in_block_list` tinyint(1) NOT NULL DEFAULT 0,
  PRIMARY KEY (`id`),
  KEY `user_id` (`user_id`),
  CONSTRAINT `contacts_ibfk_1` FOREIGN KEY (`user_id`) REFERENCES `users` (`id`)
) ENGINE=InnoDB;
LOCK TABLES `contacts` WRITE;
/*!40000 ALTER TABLE `contacts` DISABLE KEYS */;
INSERT INTO `contacts` VALUES
(1,1,2,'Bob%20the%20Builder',1,1,0),
(2,2,1,'alice@example.com',1,1,1),
(3,1,3,'carol@example.com',0,0,1),
(4,1,99,'nobody',1,1,0),
(5,3,1,'Alice',0,0,0),
(6,1,2,'Bob',0,1,0);
/*!40000 ALTER TABLE `contacts` ENABLE KEYS */;
UNLOCK TABLES;

CREATE TABLE `group_members` (
  `id` int(11) NOT NULL AUTO_INCREMENT,
  `group_id` int(11) NOT NULL,
  `contact_id` int(11) NOT NULL,
  PRIMARY KEY (`id`)
);
INSERT INTO `group_members` VALUES (1,8,1),(2,7,1),(3,9,2);

CREATE TABLE `groups` (
  `id` int(11) NOT NULL AUTO_INCREMENT,
  `user_id` int(11) NOT NULL,
  `name` varchar(150) NOT NULL,
  `guid` varchar(50) NOT NULL,
  PRIMARY KEY (`id`)
);
INSERT INTO `groups` VALUES (7,1,'Friends','6b1c0b3e-0000-4000-8000-000000000001'),(8,1,'Work%20%E2%99%A5','6b1c0b3e-0000-4000-8000-000000000002');

CREATE TABLE `users` (
  `id` int(11) NOT NULL AUTO_INCREMENT,
  `email` varchar(100) NOT NULL,
  `password` varchar(100) NOT NULL,
  `display_name` varchar(150) NOT NULL,
  `puid` bigint(20) unsigned NOT NULL,
  `guid` varchar(50) NOT NULL,
  `gtc` varchar(5) NOT NULL,
  `blp` varchar(5) NOT NULL,
  PRIMARY KEY (`id`)
);
INSERT INTO `users` VALUES
(1,'Alice@example.com','$argon2id$v=19$m=19456,t=2,p=1$jYe8DuQLcFw5mNhWw1BdPw$nowiqHA6t8WFNqDeA8q+sJyt1z613xIxmabr8OQUztk','Alice%20%26%20co',18446744073709551615,'6b1c0b3e-0000-4000-8000-00000000000a','A','AL'),
(2,'bob@example.com','$argon2i$v=19$m=4096,t=3,p=1$c2FsdA$aaaa','',2,'b','N','BL'),
(3,'carol@example.com','','it\'s \"C\"\\arol',3,'c','A','AL'),
(4,'no address','','x',4,'d','A','AL');
-- Dump completed on 2025-11-21 14:35:29
