using System.Globalization;
using System.Text;
using GumbelGan.Randomness;
using GumbelGan.Storage;
using GumbelGan.Training.Configuration;
using Xunit;

namespace GumbelGan.Tests.Training.Configuration;

public sealed class ConfigurationFuzzTests
{
    private static readonly string[] _tokens =
        ["&a ", "*a", "!!int ", "!", "---\n", "...\n", "\t", "\0", "\uFEFF", "\"", "'", "|\n", ">-\n", "[", "]", "{", "}", "? ", ": ", "- ", "#",
            "%TAG ! x\n", "\\U00110000", "\\x", "1e999", "<<: ", "\r", "\u2028", "@", "`"];

    [Fact]
    public void A_mutated_file_is_read_or_refused_and_nothing_else_happens()
    {
        byte[] original = Encoding.UTF8.GetBytes(ConfigurationWriter.Write(new SampleConfiguration { Corpus = "corpora/a b.txt" }, explained: true)
            + "# end\n");
        int rounds = int.Parse(Environment.GetEnvironmentVariable("GUMBELGAN_FUZZ_ROUNDS") ?? "2000", CultureInfo.InvariantCulture);
        var key = new RandomKey(20261122);
        int read = 0;
        for (int round = 0; round < rounds; round++)
        {
            byte[] mutated = Mutate(original, new RandomStream(key.Derive((ulong)round)));
            try
            {
                ConfigurationReader.Read<SampleConfiguration>([ConfigurationLayer.FromBytes("file", mutated)], []);
                read++;
            }
            catch (UserMistakeException mistake)
            {
                Assert.InRange(mistake.Message.Length, 10, 1000);
                Assert.DoesNotContain(mistake.Message, char.IsControl);
            }
            catch (Exception other)
            {
                Assert.Fail($"Round {round} ended with {other}");
            }
        }

        // Mutations that all fail at the first byte would prove nothing.
        Assert.InRange(read, rounds / 100, rounds - (rounds / 10));
    }

    private static byte[] Mutate(byte[] original, RandomStream random)
    {
        var bytes = new List<byte>(original);
        for (int edits = 1 + random.NextInt32(4); edits > 0; edits--)
        {
            int at = random.NextInt32(bytes.Count);
            int length = Math.Min(1 + random.NextInt32(40), bytes.Count - at);
            switch (random.NextInt32(6))
            {
                case 0:
                    bytes[at] = (byte)random.NextUInt32();
                    break;
                case 1:
                    bytes.RemoveRange(at, Math.Min(length, bytes.Count - 1));
                    break;
                case 2:
                    bytes.InsertRange(random.NextInt32(bytes.Count), bytes.GetRange(at, length));
                    break;
                case 3:
                    bytes.InsertRange(at, Encoding.UTF8.GetBytes(_tokens[random.NextInt32(_tokens.Length)]));
                    break;
                case 4:
                    bytes.InsertRange(at, Enumerable.Repeat((byte)"[{-? \n"[random.NextInt32(6)], random.NextInt32(5000)));
                    break;
                default:
                    bytes.RemoveRange(at, bytes.Count - at);
                    bytes.Add((byte)'\n');
                    break;
            }
        }

        return [.. bytes];
    }
}
