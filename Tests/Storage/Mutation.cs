using GumbelGan.Randomness;

namespace GumbelGan.Tests.Storage;

/// <summary>Seeded damage to a file: what a fuzzer does, bounded and repeatable.</summary>
internal static class Mutation
{
    /// <summary>
    /// A copy of <paramref name="file"/> with one to four injuries; words of <paramref name="dictionary"/> are spliced in at times.
    /// </summary>
    public static byte[] Of(byte[] file, byte[][] dictionary, RandomStream stream)
    {
        List<byte> bytes = [.. file];
        for (int injuries = 1 + stream.NextInt32(4); injuries > 0 && bytes.Count > 0; injuries--)
        {
            int place = stream.NextInt32(bytes.Count);
            int length = Math.Min(1 + stream.NextInt32(16), bytes.Count - place);
            switch (stream.NextInt32(8))
            {
                case 0:
                    bytes[place] ^= (byte)(1 << stream.NextInt32(8));
                    break;
                case 1:
                    bytes[place] = (byte)stream.NextUInt32();
                    break;
                case 2:
                    bytes.RemoveRange(place, length);
                    break;
                case 3:
                    bytes.InsertRange(place, bytes.GetRange(place, length));
                    break;
                case 4:
                    bytes.RemoveRange(place, bytes.Count - place);
                    break;
                case 5:
                    bytes.InsertRange(place, dictionary[stream.NextInt32(dictionary.Length)]);
                    break;
                case 6:
                    int digit = bytes.FindIndex(place, value => value is >= (byte)'0' and <= (byte)'9');
                    bytes[Math.Max(digit, 0)] = (byte)('0' + stream.NextInt32(10));
                    break;
                default:
                    (bytes[place], bytes[^1]) = (bytes[^1], bytes[place]);
                    break;
            }
        }

        return [.. bytes];
    }
}
